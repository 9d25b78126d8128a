"""The entry point: the options of every command, and errors as one line and an exit code."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Annotated, NoReturn

import typer

from wa_cli.__main__ import INTERRUPTED
from wa_cli.cli import usage_errors
from wa_cli.cli.commands import LazyGroup
from wa_cli.errors import WaError, system_reason
from wa_cli.telemetry.logs import one_line
from wa_cli.version import __version__

app = typer.Typer(
    name="wa",
    cls=LazyGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_FREE = "Free some space, or set WA_HOME to another folder."
_ALLOW = "Allow this user to use it, or set WA_HOME to another folder."
_ANOTHER = "Set WA_HOME to another folder."
# Errors of the system about a file or folder, with a hint for each.
_REFUSED_PLACES = {
    errno.ENOSPC: _FREE,
    errno.EDQUOT: _FREE,
    errno.EROFS: _ALLOW,
    errno.EACCES: _ALLOW,
    errno.EPERM: _ALLOW,
    errno.ENOTDIR: _ANOTHER,
    errno.ELOOP: _ANOTHER,
    errno.ENAMETOOLONG: _ANOTHER,
}


def _version(asked: bool) -> None:
    if asked:
        print(f"wa {__version__}")
        raise typer.Exit


@app.callback()
def options(
    profile: Annotated[
        str | None,
        typer.Option(help="Profile: a table in wa.toml with its own settings.", envvar="WA_PROFILE", show_envvar=True),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Operate WhatsApp Business messaging: send, store, verify and report.

    Without settings everything runs embedded on this machine. Try [bold]wa demo[/bold], or [bold]wa send text +123 "hi"[/bold].
    """
    del profile, debug, version  # read from the context where they are needed


def main() -> None:
    """Run the `wa` command."""
    debug = "--debug" in sys.argv
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a character must not stop the command
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
    except usage_errors.UsageError as error:
        _print_usage_error(error)
    except typer.Abort:
        _leave("Cancelled.", None, 1)
    except WaError as error:
        if debug:
            raise
        _print_error(error)
    except BrokenPipeError:
        # The reader of the output has left, as `head` does.
        sys.stderr.close()
        sys.exit(0)
    except KeyboardInterrupt:
        _leave_interrupted()
    except SystemExit as leaving:
        if leaving.code == 1:  # by rich or Typer: the reader of the output has left, as `head` does
            sys.exit(0)
        if leaving.code != INTERRUPTED:
            raise
        _leave_interrupted()
    except OSError as error:
        if debug or error.errno not in _REFUSED_PLACES:
            _unexpected(error, debug=debug)
        where = f"Cannot use {error.filename}" if error.filename else "Cannot write"
        _leave(f"{where}: {system_reason(error)}.", _REFUSED_PLACES[error.errno], 4)
    except Exception as error:
        _unexpected(error, debug=debug)
    else:
        if code == INTERRUPTED:
            _leave_interrupted()
        sys.exit(code if isinstance(code, int) else 0)


def _print_error(error: WaError) -> NoReturn:
    from wa_cli.database import installation_faults

    explained = installation_faults.explained(error)
    _leave(explained.message, explained.hint, explained.exit_code, command=explained.command)


def _print_usage_error(error: Exception) -> NoReturn:
    if usage_errors.is_help(error):
        sys.exit(2)
    usage = usage_errors.translated(error)
    _leave(usage.message, usage.hint, usage.exit_code, command=usage.command)


def _leave_interrupted() -> NoReturn:
    """End at once. The interpreter's own end would wait for threads, and may kill the process by the signal instead."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(INTERRUPTED)


def _unexpected(error: Exception, *, debug: bool) -> NoReturn:
    if debug:
        raise error
    _leave(f"Unexpected {type(error).__name__}: {error}", "Repeat it as wa --debug … to print a traceback.", 1)


def _leave(message: str, hint: str | None, code: int, *, command: str | None = None) -> NoReturn:
    """End with one line for the person at the terminal, then the hint and the command if there are any."""
    print(f"wa: {one_line(message)}", file=sys.stderr)
    for label, text in (("hint", hint), ("run", command)):
        if text:
            print(f"{label}: {one_line(text)}", file=sys.stderr)
    sys.exit(code)
