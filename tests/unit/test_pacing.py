from __future__ import annotations

from wa_cli.runtime.pacing import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def spent_in(pace: Pace, clock: Clock, seconds: float, step: float = 0.01) -> int:
    spent = 0
    for _ in range(round(seconds / step)):
        clock.now += step
        room = int(pace.room())
        pace.spend(room)
        spent += room
    return spent


def test_sends_do_not_exceed_the_rate() -> None:
    clock = Clock()
    pace = Pace(20, clock)

    assert spent_in(pace, clock, 10) == 201  # one send was allowed at the start


def test_an_idle_period_allows_only_a_small_burst() -> None:
    clock = Clock()
    pace = Pace(20, clock)

    clock.now += 3600

    assert pace.room() == 5


def test_a_rate_below_one_per_second_still_sends() -> None:
    clock = Clock()
    pace = Pace(0.5, clock)

    assert spent_in(pace, clock, 20) == 10


def test_several_throttled_answers_slow_the_rate_down_once() -> None:
    clock = Clock()
    pace = Pace(20, clock)

    pace.slow_down(1.0)
    pace.slow_down(1.0)

    assert pace.rate == 14
    assert pace.room() == 0
    assert 0 < pace.until_room() <= 1
    clock.now += 1.5
    assert pace.room() > 0


def test_a_rate_of_zero_sends_nothing() -> None:
    clock = Clock()
    pace = Pace(0, clock)

    clock.now += 60

    assert pace.room() == 0
    assert pace.until_room() == 1.0
