"""Short tests of a stop with many messages in flight, and of a server that freezes.

`tests/benchmarks/hardship.py` measures both at full length.
"""

from __future__ import annotations

from tests.benchmarks import hardship


def test_a_stop_finishes_messages_in_flight_and_leaves_none_uncertain() -> None:
    stopped = hardship.stop(in_flight=100, answer_after="1s")

    assert (stopped.exit_code, stopped.left_uncertain) == (0, 0)
    assert stopped.accepted == stopped.stored
    assert stopped.seconds < 30


def test_a_frozen_server_delays_a_worker_no_longer_than_its_deadline() -> None:
    deadline = 2.0 + 2.0 / 3

    assert hardship.freeze(statement_timeout=2.0) < deadline + 5
