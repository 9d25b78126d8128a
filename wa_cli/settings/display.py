"""Settings as `wa config show` prints them."""

from __future__ import annotations

from datetime import timedelta

from wa_cli.clock import format_span
from wa_cli.masking import mask, mask_url
from wa_cli.settings import parsers
from wa_cli.settings.schema import SPECS
from wa_cli.settings.sources import Loaded


def shown(loaded: Loaded, name: str) -> str:
    """Return a value as it is printed: secrets masked, durations readable."""
    value, spec = getattr(loaded.settings, name), SPECS[name]
    if value is None:
        return "—"
    if spec.is_key:
        return mask(value)
    if spec.parse is parsers.size:
        return f"{value >> 20}MB"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return format_span(value) if isinstance(value, timedelta) else mask_url(str(value))
