"""The commands of `wa`: their names and descriptions, and the group that loads only the module of the one that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer.main
from typer.core import TyperCommand, TyperGroup

WORK, READ, SETUP = "Send and store", "Read", "Set up and check"


@dataclass(frozen=True)
class Listed:
    """A command as `wa --help` lists it. Its module has its name and, in it, a Typer `app` or a function of that name."""

    panel: str
    help: str


COMMANDS = {
    "send": Listed(WORK, "Queue a message to a customer. A worker sends it."),
    "message": Listed(WORK, "Show one message, and send it again."),
    "read": Listed(WORK, "Mark a customer's message as read, with the earlier ones."),
    "template": Listed(WORK, "Show the templates at Meta."),
    "worker": Listed(WORK, "Send queued messages, store received ones."),
    "serve": Listed(WORK, "Run the webhook receiver and the messaging API."),
    "up": Listed(WORK, "Run the sandbox, the service and both workers in the foreground."),
    "queue": Listed(WORK, "Show and manage waiting, held and dead messages."),
    "webhook": Listed(WORK, "Post a stored webhook, or one from a file, again."),
    "number": Listed(WORK, "Show and control a number's send rate."),
    "media": Listed(WORK, "Download customers' files, which Meta deletes after seven days."),
    "spool": Listed(WORK, "Show and replay the records on this machine's disk."),
    "report": Listed(READ, "Show unanswered customers, response times, deliveries and errors."),
    "conversation": Listed(READ, "Show both sides of a conversation, oldest message first."),
    "search": Listed(READ, "Find messages by words, or customers by the start of their number."),
    "export": Listed(READ, "Write whole conversations, from their first message on."),
    "listen": Listed(READ, "Show messages, statuses and notices as they are stored, until Ctrl-C."),
    "employee": Listed(SETUP, "Manage the employees whose names reports show."),
    "grafana": Listed(SETUP, "Print a dashboard for Grafana, and alert rules for Prometheus."),
    "verify": Listed(SETUP, "Prove that storage works, with trial writes that are rolled back."),
    "doctor": Listed(SETUP, "Check settings, database, queues, token, webhook and disk."),
    "demo": Listed(SETUP, "Show the main job on sample data: messages, checks and reports."),
    "migrate": Listed(SETUP, "Migrate a live database to the schema, without downtime."),
    "db": Listed(SETUP, "Print the database URL, open a shell, stop the embedded database."),
    "sandbox": Listed(SETUP, "Run and control a stand-in for WhatsApp on this machine."),
    "config": Listed(SETUP, "Show the settings in force."),
}


class LazyGroup(TyperGroup):
    """Lists every command, and loads the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, listed in COMMANDS.items():
            self.commands[name] = TyperCommand(name, help=listed.help, rich_help_panel=listed.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _, rest = super().resolve_command(ctx, args)
        return name, load(name or ""), rest


def load(name: str) -> Any:
    """Return the command of this name, with its module imported."""
    module = import_module(f"wa_cli.cli.{name}")
    command = converted(name, getattr(module, "app", None) or getattr(module, name))
    command.help = command.help or COMMANDS[name].help
    return command


def converted(name: str, source: typer.Typer | Callable[..., object]) -> Any:
    """Return an app or a function as the command of this name."""
    parent = typer.Typer()
    if isinstance(source, typer.Typer):
        parent.add_typer(source, name=name)
    else:
        parent.command(name)(source)
    command = typer.main.get_group(parent).commands[name]
    for _, inner in _walk((name,), command):
        inner.help = inner.help and _reflowed(inner.help)
    return command


def _reflowed(text: str) -> str:
    """Join the lines of each paragraph, so that they break at the width of the terminal. Examples keep their lines."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(part if part.startswith("Example") else " ".join(part.split()) for part in paragraphs)


def every_command() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the path and the command of everything that can be called."""
    for name in COMMANDS:
        yield from _walk((name,), load(name))


def _walk(path: tuple[str, ...], command: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    is_group = hasattr(command, "commands")
    if not is_group or command.invoke_without_command:
        yield path, command
    if is_group:
        for name, inner in command.commands.items():
            yield from _walk((*path, name), inner)
