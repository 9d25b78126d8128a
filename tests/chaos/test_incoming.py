"""The short form of `make bench-incoming`: whatever is killed, what was answered 200 is a row."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.chaos.flood import Killing, load, stored, way_in
from tests.chaos.stage import Weather, stage, take_away
from tests.support.waiting import until

PACE, SECONDS = 150, 5.0


def test_under_kills_and_an_outage_every_webhook_answered_200_is_a_row(tmp_path: Path) -> None:
    with stage(tmp_path, Weather()) as scene, way_in(scene, services=2, workers=2) as parents:
        killing = Killing(parents)
        killing.start()
        told = asyncio.run(load(scene.port, PACE, SECONDS))
        killing.over.set()
        killing.join()

        async def load_without_database() -> None:
            loading = asyncio.create_task(load(scene.port, PACE, SECONDS))
            await asyncio.to_thread(take_away, scene, SECONDS / 2)
            told.taken.extend((await loading).taken)

        asyncio.run(load_without_database())
        until(lambda: stored(scene, told.taken) == len(told.taken), "the last row")

    assert killing.kills >= 6
    assert len(told.taken) > PACE * SECONDS
