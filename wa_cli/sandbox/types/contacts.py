from __future__ import annotations

import re
from typing import Any

from wa_cli.sandbox import graph_errors

_PARTS = ("first_name", "last_name", "middle_name", "suffix", "prefix")


def check(part: Any, templates: object) -> None:
    del templates
    if not isinstance(part, list) or not part:
        raise graph_errors.missing("contacts")
    for place, card in enumerate(part):
        name = card.get("name") if isinstance(card, dict) else None
        if not isinstance(name, dict) or not name.get("formatted_name"):
            raise graph_errors.missing(f"contacts[{place}]['name']['formatted_name']")
        if not any(name.get(part) for part in _PARTS):
            raise graph_errors.invalid(f"contacts[{place}].name needs one of {', '.join(_PARTS)}")
        for key in ("phones", "emails", "addresses", "urls"):
            if not isinstance(card.get(key, []), list) or not all(isinstance(one, dict) for one in card.get(key, [])):
                raise graph_errors.invalid(f"contacts[{place}].{key} is not an array of objects")
        if card.get("birthday") and not re.fullmatch(r"\d{4}-\d\d-\d\d", str(card["birthday"])):
            raise graph_errors.invalid(f"contacts[{place}].birthday is not YYYY-MM-DD")
