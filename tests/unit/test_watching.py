from __future__ import annotations

from collections.abc import Iterator

import pytest

from wa_cli.cli.context import or_unavailable
from wa_cli.cli.tables import Table
from wa_cli.errors import DatabaseUnavailable


def test_watch_reports_an_unavailable_database_and_continues(capsys: pytest.CaptureFixture[str]) -> None:
    answers: Iterator[Table | DatabaseUnavailable] = iter(
        [DatabaseUnavailable("connection refused"), Table("t", "T", [], [])]
    )

    def once() -> Table:
        answer = next(answers)
        if isinstance(answer, DatabaseUnavailable):
            raise answer
        return answer

    assert or_unavailable(once) is None
    assert "connection refused" in capsys.readouterr().err
    assert or_unavailable(once) == Table("t", "T", [], [])
