from __future__ import annotations

from collections.abc import Iterator

import pytest

from wa_cli.cli import context
from wa_cli.cli.tables import Table
from wa_cli.errors import DatabaseDown


def test_who_watches_is_told_that_the_database_is_away_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    answers: Iterator[Table | DatabaseDown] = iter([DatabaseDown("It is away."), Table("t", "T", [], [])])

    def once() -> Table:
        answer = next(answers)
        if isinstance(answer, DatabaseDown):
            raise answer
        return answer

    assert context.asked_again(once) is None
    assert "It is away." in capsys.readouterr().err
    assert context.asked_again(once) == Table("t", "T", [], [])
