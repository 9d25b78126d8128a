from __future__ import annotations

from wa_cli.verify.base import Check
from wa_cli.verify.checks import recent

check = Check("recent_incoming", "Recent incoming", lambda database: recent.look(database, "incoming"))
