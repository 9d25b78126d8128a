"""Unit tests hardly wait: the delay after a try that failed is a millisecond."""

from __future__ import annotations

import pytest

from wa_cli.runtime import outage


@pytest.fixture(autouse=True)
def _short_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "full_jitter", lambda *_tries, **_bounds: 0.001)
