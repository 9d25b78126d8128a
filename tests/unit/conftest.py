"""Unit tests do not wait: the delay after a try that failed is 0."""

from __future__ import annotations

import pytest

from wa_cli.runtime import outage


@pytest.fixture(autouse=True)
def _no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outage, "full_jitter", lambda *_tries, **_bounds: 0.0)
