"""Regression inputs from files: webhooks with times relative to the present, and rows for reports."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

from wa_cli.cloud import webhooks

DATA = Path(__file__).parents[1] / "data"
_FROM_NOW = re.compile(r'"\$NOW([+-]\d+)"')


def notifications(name: str) -> list[str]:
    """Return the webhook bodies of a file. A change without its envelope is wrapped in a notification."""
    text = (DATA / "webhooks" / f"{name}.json").read_text(encoding="utf-8")
    at = int(time.time())
    found = json.loads(_FROM_NOW.sub(lambda match: f'"{at + int(match[1])}"', text))
    return [json.dumps(_wrapped(one)) for one in (found if isinstance(found, list) else [found])]


def webhook_names() -> list[str]:
    return sorted(path.stem for path in (DATA / "webhooks").glob("*.json"))


def _wrapped(found: dict[str, Any]) -> dict[str, Any]:
    return found if "entry" in found else webhooks.notify(found["value"], found["field"], "1")


def rows(name: str) -> str:
    """Return the SQL statements of a file. They need an empty, migrated database."""
    return (DATA / "reports" / f"{name}.sql").read_text(encoding="utf-8")
