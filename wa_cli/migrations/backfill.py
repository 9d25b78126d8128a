"""The direction of rows from before wa: messages from the business's own number were written by the business."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import sqlalchemy as sa

from wa_cli.database.engine import Database, run

COMMAND = "wa migrate --backfill-direction"
HINT = "Set WA_BUSINESS_PHONE to the number of the business first."
BATCH = 1000
PAUSE = 0.01
ROUNDS = 3
_FIRST = UUID(int=0)
_LONG = timedelta(hours=1)


@dataclass(frozen=True)
class Found:
    """Rows to fill. `ours` are from the business and count as incoming. Of these, `without_recipient` name no customer."""

    without_direction: int
    ours: int
    without_recipient: int
    oldest: datetime | None
    newest: datetime | None

    @property
    def rows(self) -> int:
        return self.without_direction + self.ours


class Backfill:
    """Fills the direction of rows that are older than the column.

    `business` is the business's own number, as digits or as its rows have it.
    """

    def __init__(self, database: Database, business: str) -> None:
        self.database = database
        self.business = business.lstrip("+")

    def count(self) -> Found:
        """Count the rows to fill. Reads the whole table once."""
        with self.database.reading(timeout=_LONG) as connection:
            is_there = connection.execute(
                sa.text(
                    "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('whatsapp_messages')"
                    " AND attname = 'direction' AND NOT attisdropped)"
                )
            ).scalar_one()
            query = "backfill/count" if is_there else "backfill/count_unmigrated"
            return Found(*run(connection, query, business=self.business).one())

    def fill(self, advance: Callable[[int], None] = lambda _: None) -> int:
        """Fill in batches, each in a transaction. Return the number of rows. A row in use is skipped and tried again
        later.

        If it is interrupted, filled rows stay filled, and the next call continues.
        """
        filled = 0
        for _ in range(ROUNDS):
            seen, done = self._fill_once(advance)
            filled += done
            if done == seen:
                break
        return filled

    def _fill_once(self, advance: Callable[[int], None]) -> tuple[int, int]:
        """Fill every row once, in batches. Return the number of found rows, and of filled ones."""
        after, seen, filled = _FIRST, 0, 0
        while True:
            with self.database.reading(timeout=_LONG) as connection:
                found = run(connection, "backfill/find", business=self.business, after=after, limit=BATCH)
                keys = [key for (key,) in found]
            if not keys:
                return seen, filled
            with self.database.transaction() as connection:
                ids = [str(key) for key in keys]
                done = len(run(connection, "backfill/fill", business=self.business, ids=ids).all())
            after, seen, filled = keys[-1], seen + len(keys), filled + done
            advance(done)
            time.sleep(PAUSE)
