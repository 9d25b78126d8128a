"""The index of `wa search` in a language with stemming, besides the one without. A business has one such language.

The index is the record of the choice: `wa search` uses the language of a valid one. Nothing is in the ledger.
"""

from __future__ import annotations

import re

import sqlalchemy as sa

from wa_cli.database.engine import run
from wa_cli.errors import BadInput
from wa_cli.migrations.catalogue import TABLE, Step, comparable

SIMPLE = "simple"  # the language of the index that the migrations build
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,40}")
_LOCK = "SHARE UPDATE EXCLUSIVE, as long as the index takes; readers and writers go on"


def find_steps(connection: sa.Connection, language: str) -> list[Step]:
    """Return the steps to the index of this text search configuration: build it, and drop that of another language.

    For `simple` only the drop is left. Raises BadInput for an unknown configuration.
    """
    _check_language(connection, language)
    found = run(connection, "lookups/search_indexes").all()
    wanted = _build(language)
    is_built = any(index.is_valid and comparable(index.definition) == wanted.definition for index in found)
    build = [] if language == SIMPLE or is_built else [wanted, _analyze()]
    return [*build, *(_drop(index.language) for index in found if index.language != language)]


def _check_language(connection: sa.Connection, language: str) -> None:
    known = connection.execute(
        sa.text("SELECT cfgname FROM pg_ts_config WHERE pg_ts_config_is_visible(oid) ORDER BY cfgname")
    ).scalars()
    usable = [name for name in known if _NAME.fullmatch(name)]
    if language not in usable:
        raise BadInput(f"Unknown text search language {language!r}.", hint=f"Use one of {', '.join(usable)}.")


def _build(language: str) -> Step:
    words = f"to_tsvector('{language}', left(coalesce(content, ''), 50000))"
    return _step(
        f"index words in {language}",
        f"CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_search_{language}"
        f" ON {TABLE} USING gin ({words}) WITH (fastupdate = off)",
    )


def _analyze() -> Step:
    return _step("collect statistics of the index", f"ANALYZE {TABLE}")


def _drop(language: str) -> Step:
    return _step(
        f"drop the index of words in {language}",
        f"DROP INDEX CONCURRENTLY IF EXISTS idx_messages_search_{language}",
        formerly=(_build(language).definition,),
    )


def _step(title: str, statement: str, formerly: tuple[str, ...] = ()) -> Step:
    return Step("search", 0, title, _LOCK, (statement,), checksum="", formerly=formerly)
