"""The `wa` command, which can be interrupted while it is still loaded."""

from __future__ import annotations

import os

INTERRUPTED = 130


def main() -> None:
    try:
        from wa_cli.cli import app

        app.main()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
