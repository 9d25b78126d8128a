"""The same migrations as one script, for who lets nothing but psql near the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wa_cli.migrations import ledger, statements
from wa_cli.migrations.catalogue import Migration, Step

_HEAD = """\
-- Run it outside a transaction: psql -f FILE. It stops at the first step that cannot be done, a lock that is not to be had
-- among them. Then let wa write it anew: what is done is noted, and left out.
\\set ON_ERROR_STOP on
SET timezone = 'UTC';
"""
_DROP_HALF_BUILT = """\
SELECT format('DROP INDEX CONCURRENTLY %s', indexrelid::regclass)
  FROM pg_index WHERE indexrelid = to_regclass('{index}') AND NOT indisvalid \\gexec"""


def script(pending: Sequence[Migration], done: set[tuple[str, int]]) -> Iterator[str]:
    """The text by pieces. `done`: version and step of what the ledger has already."""
    yield _HEAD
    yield from (_ended(statement) for statement in ledger.creation())
    for migration in pending:
        yield f"\n-- {migration.name}: {migration.up.why}"
        steps = [step for step in migration.up.steps if (step.version, step.number) not in done]
        for step in steps:
            yield from _lines(step)
        if not migration.up.transactional:
            yield _ended(ledger.written(migration.name, 0, "done", migration.up.checksum))


def _lines(step: Step) -> Iterator[str]:
    yield f"\n-- {step.title}\n-- lock: {step.lock}"
    yield from map(_ended, statements.opening(step))
    if step.index:
        yield _DROP_HALF_BUILT.format(index=step.index)
    yield from map(_ended, step.statements)
    yield _ended(ledger.written(step.version, step.number, "done", step.checksum))
    yield from map(_ended, statements.closing(step))


def _ended(statement: str) -> str:
    return f"{statement.rstrip().rstrip(';')};"
