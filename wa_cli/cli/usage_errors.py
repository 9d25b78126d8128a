"""Usage errors, such as an unknown option, as sentence, hint and command like every other error."""

from __future__ import annotations

import re
from typing import Any, cast

import typer

from wa_cli.errors import BadInput

# Typer contains its own copy of click, without a public name of this error.
UsageError = cast(type[Exception], next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError"))

_PLAIN = (
    (re.compile(r"is not a valid integer( range)?\.?$"), "is not a whole number"),
    (re.compile(r"is not a valid float( range)?\.?$"), "is not a number"),
    (re.compile(r"is not in the range (\S+)<=x<=(\S+?)\.?$"), r"is not between \1 and \2"),
    (re.compile(r"is not in the range x>=(\S+?)\.?$"), r"is less than \1"),
)


def is_help(error: Exception) -> bool:
    """Return True if this is a group without a command, whose help has been printed."""
    return type(error).__name__ == "NoArgsIsHelpError"


def translated(error: Exception) -> BadInput:
    """Return the usage error with a sentence, a hint and the command that prints the help."""
    sentence, hint = _of_value(error) if getattr(error, "param", None) else _of_name(error)
    context = getattr(error, "ctx", None)
    command = f"{context.command_path} --help" if context else None
    return BadInput(sentence.rstrip(".") + ".", hint=hint, command=command)


def _of_value(error: Any) -> tuple[str, str | None]:
    """Return the sentence and the hint about a missing or bad value."""
    parameter = error.param
    is_option = parameter.param_type_name == "option"
    name = parameter.opts[0] if is_option else (parameter.metavar or parameter.name).strip("[].…").upper()
    choices = getattr(parameter.type, "choices", None)
    hint = f"Use {' or '.join(choices)}." if choices else None
    if type(error).__name__ == "MissingParameter":
        return f"{name} is missing", hint
    message = error.message.partition(" is not one of ")[0] + " is not a choice" if choices else error.message
    for pattern, plain in _PLAIN:
        message = pattern.sub(plain, message)
    return f"{name} {message}", hint


def _of_name(error: Any) -> tuple[str, str | None]:
    """Return the sentence and the hint about an unknown command or option, or an option without its value."""
    if possibilities := getattr(error, "possibilities", None):
        return str(error), f"Did you mean {' or '.join(sorted(possibilities))}?"
    sentence, _, suggestion = getattr(error, "format_message", error.__str__)().partition(" Did you mean ")
    return sentence, f"Did you mean {suggestion}" if suggestion else _known_commands(error)


def _known_commands(error: Any) -> str | None:
    """Return a hint with the commands of the group, if the error is about an unknown one."""
    context = getattr(error, "ctx", None)
    if context is None or not str(error).startswith("No such command"):
        return None
    return f"Use one of {', '.join(context.command.list_commands(context))}."
