"""Tasks that run side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable


async def all_until_one_fails(*parts: Awaitable[None]) -> None:
    """Run the parts side by side to their ends. The first error cancels the rest and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(_awaited(part))
    except BaseExceptionGroup as failures:
        first = failures.exceptions[0]
        raise first from first.__cause__


async def _awaited(part: Awaitable[None]) -> None:
    await part
