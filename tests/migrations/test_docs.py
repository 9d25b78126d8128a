"""The examples of the guides work: roles, the Python function, a revision of Alembic."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from alembic.config import Config

import wa_cli
from tests.support import checks
from tests.support.postgres_versions import AS_FOUND, sql
from wa_cli.database.engine import Database
from wa_cli.errors import RowRefused
from wa_cli.migrations import runner

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def examples(guide: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / guide).read_text(), re.DOTALL)


def test_the_readme_is_short_and_every_link_leads_to_a_file() -> None:
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    assert len(pages[0].read_text().splitlines()) < 200

    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@contextmanager
def documented_roles(database: Database) -> Iterator[dict[str, Database]]:
    """Yield databases opened as the roles of the production guide, under unique names."""
    mark = uuid4().hex[:8]
    [statements] = examples("production.md", "sql")
    statements = re.sub(r"\bwa_reports\b", f"reports_{mark}", statements.replace("'…'", "'secret'"))
    statements = re.sub(r"(ROLE|TO) wa\b", rf"\1 worker_{mark}", statements)
    sql(database, statements)
    names = {"worker": f"worker_{mark}", "reports": f"reports_{mark}"}
    url = database.engine.url
    opened = {
        key: Database(url.set(username=name, password="secret").render_as_string(hide_password=False))
        for key, name in names.items()
    }
    try:
        yield opened
    finally:
        for key, one in opened.items():
            one.close()
            sql(database, f"DROP OWNED BY {names[key]}; DROP ROLE {names[key]}")


def test_the_documented_roles_have_the_privileges_for_their_work_and_no_more(empty: Database) -> None:
    wa_cli.migrate(empty.engine.url.render_as_string(hide_password=False))

    with documented_roles(empty) as roles:
        assert checks.finding(roles["worker"], "permissions").level == "ok"
        assert checks.finding(roles["worker"], "trial_writes").level == "ok"
        assert checks.finding(roles["reports"], "counts").level in ("ok", "warning")
        with pytest.raises(RowRefused, match="permission denied"):
            sql(roles["reports"], "DELETE FROM whatsapp_messages")


def test_the_python_function_migrates_an_existing_table_and_can_run_again(empty: Database) -> None:
    sql(empty, AS_FOUND)
    url = empty.engine.url.render_as_string(hide_password=False)

    assert wa_cli.migrate(url) == []
    assert wa_cli.migrate(url) == []

    runner.check(empty)


def test_the_documented_alembic_revision_migrates(empty: Database, tmp_path: Path) -> None:
    sql(empty, AS_FOUND)
    config = Config(tmp_path / "alembic.ini")
    url = empty.engine.url.render_as_string(hide_password=False)
    command.init(config, str(tmp_path / "revisions"))
    config = Config(tmp_path / "alembic.ini", stdout=io.StringIO())
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    environment = tmp_path / "revisions" / "env.py"
    environment.write_text(environment.read_text().replace("fileConfig(config.config_file_name)", "pass"))
    [revision] = [text for text in examples("migrating.md", "python") if "def upgrade" in text]
    (tmp_path / "revisions" / "versions" / "a1b2c3d4e5f6_wa.py").write_text(revision)

    command.upgrade(config, "head")

    runner.check(empty)
    command.downgrade(config, "base")
