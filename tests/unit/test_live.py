from __future__ import annotations

from wa_cli.cli.status_line import Facts, _Line
from wa_cli.errors import DatabaseUnavailable


def test_the_line_says_how_a_worker_is_doing() -> None:
    answers: list[Facts | DatabaseUnavailable] = [[("queue", 4210), ("uncertain", 0)], DatabaseUnavailable("away")]

    def asked() -> Facts:
        answer = answers.pop(0)
        shown.done.set()
        if isinstance(answer, DatabaseUnavailable):
            raise answer
        return answer

    shown = _Line(lambda: [("/s", 81.5), ("sent", 4711)], asked)
    assert shown.text().plain == "81.5/s  sent 4,711"

    shown.keep_asking()
    assert shown.text().plain == "81.5/s  sent 4,711  queue 4,210  uncertain 0"

    shown.done.clear()
    shown.keep_asking()
    assert shown.text().plain.endswith("queue ?  uncertain ?")
