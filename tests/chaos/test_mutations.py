"""A short form of `make fuzz-workers`: arbitrary JSON for running workers."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.chaos import mutations
from tests.support import cases
from tests.support.running_sandbox import running_sandbox
from wa_cli.database.engine import Database

COUNT = 250


@pytest.fixture
def rng() -> random.Random:
    return random.Random(13)


def test_mutated_queue_bodies_stop_no_worker_and_lose_no_valid_message(
    database: Database, tmp_path: Path, rng: random.Random
) -> None:
    with running_sandbox(tmp_path / "sandbox") as sandbox:
        tally = mutations.fuzz_bodies(database, tmp_path, sandbox, COUNT, rng)

    assert (tally.arrived, tally.dead > COUNT / 10) == (tally.good, True)


def test_mutated_webhooks_stop_no_worker_and_lose_no_valid_message(
    database: Database, tmp_path: Path, rng: random.Random
) -> None:
    corpus = [json.loads(body) for name in cases.webhook_names() for body in cases.notifications(name)]

    tally = mutations.fuzz_webhooks(database, tmp_path, corpus, COUNT, rng)

    assert tally.arrived == tally.good


def test_mutated_api_answers_stop_no_worker_and_lose_no_valid_message(
    database: Database, tmp_path: Path, rng: random.Random
) -> None:
    tally = mutations.fuzz_answers(database, tmp_path, COUNT, rng)

    assert tally.arrived == tally.good
