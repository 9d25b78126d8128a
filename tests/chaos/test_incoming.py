"""A short form of `make bench-incoming`: every webhook answered 200 is stored, whichever process is killed."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.chaos.flood import Killing, load, running_ingest, stored
from tests.chaos.stage import Weather, make_database_unavailable, stage
from tests.support.waiting import until

PACE, SECONDS = 150, 5.0


def test_every_webhook_answered_200_is_stored_despite_kills_and_a_database_outage(tmp_path: Path) -> None:
    with stage(tmp_path, Weather()) as scene, running_ingest(scene, services=2, workers=2) as parents:
        killing = Killing(parents)
        killing.start()
        result = asyncio.run(load(scene.port, PACE, SECONDS))
        killing.over.set()
        killing.join()

        async def load_without_database() -> None:
            loading = asyncio.create_task(load(scene.port, PACE, SECONDS))
            await asyncio.to_thread(make_database_unavailable, scene, SECONDS / 2)
            result.taken.extend((await loading).taken)

        asyncio.run(load_without_database())
        until(lambda: stored(scene, result.taken) == len(result.taken), "the last row")

    assert killing.kills >= 6
    assert len(result.taken) > PACE * SECONDS
