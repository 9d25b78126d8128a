"""Usage errors, such as an unknown option, as sentence, hint and command like every other error."""

from __future__ import annotations

from typing import cast

import typer

from wa_cli.errors import BadInput

# Typer contains its own copy of click, without a public name of this error.
UsageError = cast(type[Exception], next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError"))


def is_help(error: Exception) -> bool:
    """Return True if this is a group without a command, whose help has been printed."""
    return type(error).__name__ == "NoArgsIsHelpError"


def translated(error: Exception) -> BadInput:
    """Return the usage error with a sentence, a hint and the command that prints the help."""
    possibilities = getattr(error, "possibilities", None)
    # The formatted message names the option of a bad value, and lists the possibilities of an unknown one.
    message = str(error) if possibilities else getattr(error, "format_message", error.__str__)()
    sentence, _, suggestion = message.partition(" Did you mean ")
    hint = f"Did you mean {suggestion}" if suggestion else None
    if possibilities:
        hint = f"Did you mean {' or '.join(sorted(possibilities))}?"
    context = getattr(error, "ctx", None)
    command = f"{context.command_path} --help" if context else None
    return BadInput(sentence.rstrip(".") + ".", hint=hint, command=command)
