from __future__ import annotations

from wa_cli.cli.status_line import Facts, _Line
from wa_cli.errors import DatabaseUnavailable


def test_the_status_line_shows_rates_counts_and_unknown_facts() -> None:
    answers: list[Facts | DatabaseUnavailable] = [
        [("queue", 4210), ("uncertain", 0)],
        DatabaseUnavailable("connection refused"),
    ]

    def get_facts() -> Facts:
        answer = answers.pop(0)
        shown.done.set()
        if isinstance(answer, DatabaseUnavailable):
            raise answer
        return answer

    shown = _Line(lambda: [("/s", 81.5), ("sent", 4711)], get_facts)
    assert shown.text().plain == "81.5/s  sent 4,711"

    shown.keep_asking()
    assert shown.text().plain == "81.5/s  sent 4,711  queue 4,210  uncertain 0"

    shown.done.clear()
    shown.keep_asking()
    assert shown.text().plain.endswith("queue ?  uncertain ?")
