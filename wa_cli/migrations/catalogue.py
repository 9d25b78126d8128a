"""The migrations: files in `sql/migrations/`, so that a DBA can read them and run them with psql."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from wa_cli.database import sqlfiles
from wa_cli.errors import BadInput

_HEADER = re.compile(r"^--\s*(why|transaction|replaces|last):\s*(.*(?:\n-- (?!\w+:|squawk).*)*)$", re.MULTILINE)
_REMARK = re.compile(r"^-- (step|lock|needs): (.*)$", re.MULTILINE)
_FORMERLY = re.compile(r"^-- formerly: (.*)$", re.MULTILINE)
_INDEX = re.compile(r"CREATE\s+INDEX\s+CONCURRENTLY\s+IF\s+NOT\s+EXISTS\s+(\S+)\s+ON\s+(\S+)", re.I)
_DROPPED_INDEX = re.compile(r"DROP\s+INDEX\s+CONCURRENTLY\s+IF\s+EXISTS\s+([\w.]+)", re.I)
_COLUMN = re.compile(r"\bADD\s+COLUMN\s+IF\s+NOT\s+EXISTS\s+(\w+)", re.I)
_ALTERED = re.compile(r"\bALTER\s+TABLE\s+(?:IF\s+EXISTS\s+)?(\S+)", re.I)
_TABLE = re.compile(r"\bCREATE\s+TABLE\s+IF\s+NOT\s+EXISTS\s+(wa\.\w+)", re.I)
_DROPPED = re.compile(r"\bDROP\s+TABLE\s+IF\s+EXISTS\s+([\w.,\s]+)", re.I)
_ALONE = re.compile(r"\bCONCURRENTLY\b|\bCOMMIT\b", re.I)
_WIDENED = re.compile(r"\bwa\.widen\('whatsapp_messages', '(\w+)'")
_CONSTRAINT = re.compile(r"\b(?:ADD|VALIDATE)\s+CONSTRAINT\s+(\w+)", re.I)
STRONG = "ACCESS EXCLUSIVE"
_STRONG_OF = re.compile(rf"{STRONG} of (wa\.\w+)")
TABLE = "whatsapp_messages"


@dataclass(frozen=True)
class Step:
    """A unit of work and of the ledger: one statement, or a whole file in its transaction.

    `number` is its place in the ledger, where 0 stands for the whole file. `lock` is its lock on the business's table
    and how long it is held, as the file says.
    """

    version: str
    number: int
    title: str
    lock: str
    statements: tuple[str, ...]
    checksum: str
    needs_previous: bool = False
    # Definitions with which earlier versions of wa built an index of this name.
    formerly: tuple[str, ...] = ()
    # The step is recorded as done, but its work is missing.
    again: bool = False

    @property
    def is_strong(self) -> bool:
        """True if its lock makes every user of the table wait."""
        return self.lock.startswith(STRONG)

    @property
    def table(self) -> str | None:
        """The table of a strong lock, or None for several of wa's own tables."""
        if not self.is_strong or self.lock.startswith(f"{STRONG},"):
            return TABLE
        found = _STRONG_OF.match(self.lock)
        return found[1] if found else None

    @property
    def is_alone(self) -> bool:
        """True if it cannot be part of a transaction."""
        return any(_ALONE.search(statement) for statement in self.statements)

    @property
    def index(self) -> str | None:
        """The index that it builds concurrently."""
        return _index(self.statements[0])

    @property
    def definition(self) -> str:
        """The definition of the index that it builds, in a form that can be compared."""
        return comparable(self.statements[0])

    @property
    def dropped_index(self) -> str | None:
        """The index that it drops concurrently."""
        found = _DROPPED_INDEX.search(self.statements[0])
        return found[1] if found else None

    @property
    def columns(self) -> list[tuple[str, str]]:
        """The columns that it adds, each with its table."""
        altered = [(found[1], statement) for statement in self.statements if (found := _ALTERED.search(statement))]
        return [(table, column) for table, statement in altered for column in _COLUMN.findall(statement)]

    @property
    def tables(self) -> list[str]:
        """The tables of wa that it creates."""
        return [table for statement in self.statements for table in _TABLE.findall(statement)]

    @property
    def widened(self) -> str | None:
        """The column of the business's table that it widens."""
        found = _WIDENED.search(self.statements[0])
        return found[1] if found else None

    @property
    def constraint(self) -> str | None:
        """The constraint that it adds or validates."""
        found = _CONSTRAINT.search(self.statements[0])
        return found[1] if found else None


@dataclass(frozen=True)
class Script:
    """One file: its reason, whether it runs in a transaction, and its steps in order."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name.removesuffix(".sql").removesuffix(".down")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def why(self) -> str:
        return self._headers.get("why", "")

    @cached_property
    def transactional(self) -> bool:
        return self._headers.get("transaction", "yes") == "yes"

    @cached_property
    def last(self) -> str | None:
        """The table or index that it creates last. If it exists, the file was run by hand to its end."""
        return self._headers.get("last")

    @cached_property
    def checksum(self) -> str:
        """The checksum of its statements. Comments may change while a run is half done."""
        return hashlib.sha256("\n".join(self.statements).encode()).hexdigest()

    @cached_property
    def dropped_tables(self) -> list[str]:
        """The tables that it drops."""
        found = (_DROPPED.search(statement) for statement in self.statements)
        return [name.strip() for tables in found if tables for name in tables[1].split(",")]

    @cached_property
    def accepted_checksums(self) -> frozenset[str]:
        """Its own checksum, and those of earlier versions with the same number and order of steps."""
        return frozenset({self.checksum, *self._headers.get("replaces", "").split()})

    @property
    def statements(self) -> list[str]:
        return [statement for statement, _, _ in self._parts]

    @cached_property
    def steps(self) -> list[Step]:
        """Its steps: each statement, or all of them in one transaction."""
        head, _, _ = self.text.partition("\n\n")
        whole = _remarks(head)
        lock = whole.get("lock", "none")
        if self.transactional:
            return [Step(self.name, 0, whole.get("step", self.why), lock, tuple(self.statements), self.checksum)]
        return [
            Step(
                self.name,
                number,
                remarks.get("step") or statement.splitlines()[0],
                remarks.get("lock", lock),
                (statement,),
                self.checksum,
                "needs" in remarks,
                tuple(map(comparable, _FORMERLY.findall(part))),
            )
            for number, (statement, remarks, part) in enumerate(self._parts, start=1)
        ]

    @cached_property
    def _parts(self) -> list[tuple[str, dict[str, str], str]]:
        """Every statement without its comments, the remarks in them, and its text in the file."""
        import sqlparse

        parts = [
            (sqlparse.format(part, strip_comments=True).strip(), _remarks(part), part)
            for part in sqlparse.split(self.text)
        ]
        return [found for found in parts if found[0].strip(";").strip()]

    @cached_property
    def _headers(self) -> dict[str, str]:
        return {name: " ".join(text.replace("\n--", " ").split()) for name, text in _HEADER.findall(self.text)}


def _remarks(text: str) -> dict[str, str]:
    """Return remarks such as `step` with their words. The later one of two of a kind wins."""
    return dict(_REMARK.findall(text))


@dataclass(frozen=True)
class Migration:
    """A migration: a file that goes up and, beside it, one that goes down."""

    up: Script
    down: Script

    @property
    def name(self) -> str:
        return self.up.name


def names() -> list[str]:
    """Return the names, oldest first. The check at the start needs no more, and reads no file."""
    folder = sqlfiles.root() / "migrations"
    return sorted(path.stem for path in folder.glob("[0-9]*.sql") if not path.name.endswith(".down.sql"))


def indexes() -> list[str]:
    """Return every index that the migrations build concurrently and do not drop again."""
    found: dict[str, None] = {}
    for step in (step for migration in migrations() for step in migration.up.steps):
        if step.index:
            found[step.index] = None
        elif step.dropped_index:
            found.pop(step.dropped_index, None)
    return list(found)


def _index(statement: str) -> str | None:
    """Return the name, with the schema of its table if it is given."""
    found = _INDEX.search(statement)
    if found is None:
        return None
    schema, dot, _ = found[2].rpartition(".")
    return f"{schema}{dot}{found[1]}"


_CAST = re.compile(
    r"::(?:character varying|double precision|timestamp with(?:out)? time zone|[\w.]+)(?:\(\d+\))?(?:\[\])?"
)
_BEFORE = re.compile(r'^.*?\bindex\b.*?\bon\s+(?:only\s+)?(?:"[^"]*"|[^\s"(])+\s*(?=using\b|\()', re.DOTALL)


def comparable(definition: str) -> str:
    """Return the definition of an index in a form in which our statement and PostgreSQL's text of the same index are
    equal.
    """
    text = definition.lower()
    unique = "unique " if re.match(r"\s*create\s+unique", text) else ""
    text = _CAST.sub("", _BEFORE.sub("", text).replace('"', "")).strip().rstrip(";")
    text = re.sub(r"^using btree\b|\bwa\.", "", text)
    return unique + re.sub(r"[\s()]", "", text)


def built_definitions(index: str) -> frozenset[str]:
    """Return every definition under which a version of wa has built this index."""
    return frozenset(definition for name, definition in _built() if name == index)


@cache
def _built() -> frozenset[tuple[str, str]]:
    steps = [step for migration in migrations() for step in migration.up.steps]
    return frozenset(
        (name, definition)
        for step in steps
        if (name := step.index or step.dropped_index)
        for definition in (*([step.definition] if step.index else []), *step.formerly)
    )


@cache
def migrations() -> tuple[Migration, ...]:
    """Return every migration, oldest first. Each file is parsed once in a process."""
    folder = sqlfiles.root() / "migrations"
    return tuple(Migration(Script(folder / f"{name}.sql"), Script(folder / f"{name}.down.sql")) for name in names())


def find(revision: str) -> Migration:
    """Return the migration of this name, number, or beginning of its name. Raises BadInput."""
    found = [m for m in migrations() if m.name == revision or m.name.startswith(f"{revision.zfill(4)}_")]
    if len(found) != 1:
        raise BadInput(f"Unknown migration {revision!r}.", hint="List them with wa migrate status.")
    return found[0]
