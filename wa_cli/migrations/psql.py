"""The migrations as one script, for a database that may be changed with psql only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from wa_cli.migrations import ledger, statements
from wa_cli.migrations.catalogue import Step

_HEAD = """\
-- Run it outside a transaction: psql -f FILE. It stops at the first step that fails, for example if a lock is not granted.
-- Then run it again: completed steps are recorded in wa.migrations and skipped.
\\set ON_ERROR_STOP on
SET timezone = 'UTC';
"""
_IF_TO_DO = """\
SELECT NOT EXISTS (SELECT FROM wa.migrations WHERE version = '{version}' AND step = {step} AND state = 'done') AS to_do \\gset
\\if :to_do"""
_DROP_HALF_BUILT = """\
SELECT format('DROP INDEX CONCURRENTLY %s', indexrelid::regclass)
  FROM pg_index WHERE indexrelid = to_regclass('{index}') AND NOT indisvalid \\gexec"""


def script(plan: Sequence[Step]) -> Iterator[str]:
    """Yield the pieces of the script for these steps, in order."""
    yield _HEAD
    yield from (_ended(statement) for statement in ledger.creation())
    for version, steps in groupby(plan, key=lambda step: step.version):
        yield f"\n-- {version}"
        last = None
        for last in steps:
            yield from _lines(last)
        if last is not None and last.number:
            yield _ended(ledger.written(version, 0, "done", last.checksum))


def unrecorded(steps: Sequence[Step]) -> Iterator[str]:
    """Yield the pieces of a script for steps that the ledger does not know."""
    for step in steps:
        yield _heading(step)
        yield from _work(step)


def _heading(step: Step) -> str:
    return f"\n-- {step.title}\n-- lock: {step.lock}"


def _lines(step: Step) -> Iterator[str]:
    yield _heading(step)
    if not step.again:
        yield _IF_TO_DO.format(version=step.version, step=step.number)
    yield from _work(step, ledger.written(step.version, step.number, "done", step.checksum))
    if not step.again:
        yield "\\endif"


def _work(step: Step, *records: str) -> Iterator[str]:
    yield from map(_ended, statements.opening(step))
    if step.index:
        yield _DROP_HALF_BUILT.format(index=step.index)
    yield from map(_ended, (*step.statements, *records, *statements.closing(step)))


def _ended(statement: str) -> str:
    return f"{statement.rstrip().rstrip(';')};"
