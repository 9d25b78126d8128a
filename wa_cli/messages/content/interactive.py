"""Interactive messages: reply buttons, lists, links as buttons, and flows. Other kinds are left to the API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from wa_cli.counted import counted
from wa_cli.errors import BadInput
from wa_cli.messages.content.base import Columns, check_length
from wa_cli.messages.content.media import check_link
from wa_cli.messages.values import word

BODY_LIMIT, LIST_BODY_LIMIT, SHORT_LIMIT = 1024, 4096, 60
MOST_BUTTONS, BUTTON_TITLE_LIMIT, BUTTON_ID_LIMIT = 3, 20, 256
MOST_ROWS, ROW_ID_LIMIT, ROW_TITLE_LIMIT, DESCRIPTION_LIMIT = 10, 200, 24, 72
FLOW_BUTTON_LIMIT = 30
FILES = ("image", "video", "document")

Part = Mapping[str, Any]


class Interactive:
    name = "interactive"

    def check(self, part: Part) -> None:
        kind = part.get("type")
        if not word(kind):
            raise BadInput("The interactive message has no type.", hint=f"Use one of {', '.join(_ACTIONS)}.")
        if kind not in _ACTIONS:
            return
        body = _text_of(part, "body")
        if not body or not body.strip():
            raise BadInput("The message has no text.")
        check_length("text", body, LIST_BODY_LIMIT if kind == "list" else BODY_LIMIT)
        if part.get("footer") is not None:
            check_length("footer", _text_of(part, "footer"), SHORT_LIMIT)
        if part.get("header") is not None:
            _check_header(part["header"], kind)
        action = part.get("action")
        if not isinstance(action, Mapping):
            raise BadInput("The interactive message has no action.")
        _ACTIONS[kind](action)

    def columns(self, part: Part) -> Columns:
        header = part.get("header")
        kind = header.get("type") if isinstance(header, Mapping) else None
        file = header.get(kind) if isinstance(header, Mapping) and kind in FILES else None
        return Columns(content=words(part), media_url=word(file.get("link")) if isinstance(file, Mapping) else None)


def _text_of(part: Part, key: str) -> str | None:
    found = part.get(key)
    return word(found.get("text")) if isinstance(found, Mapping) else None


def _check_header(header: Any, kind: str) -> None:
    sort = header.get("type") if isinstance(header, Mapping) else None
    if sort == "text":
        check_length("header", header.get("text"), SHORT_LIMIT)
        if not header["text"]:
            raise BadInput("The header has no text.")
        return
    if sort not in FILES or kind == "list":
        allowed = "text" if kind == "list" else f"text, {', '.join(FILES)}"
        raise BadInput(f"The header's type {sort!r} is not one of {allowed}.")
    file = header.get(sort)
    if not isinstance(file, Mapping) or bool(file.get("id")) == bool(file.get("link")):
        raise BadInput(f"The header's {sort} needs either a link or an uploaded media id.")
    if file.get("link"):
        check_link(file["link"])


def _check_buttons(action: Part) -> None:
    buttons = [button.get("reply") for button in _objects("buttons", action.get("buttons"))]
    if not 0 < len(buttons) <= MOST_BUTTONS:
        raise BadInput(f"The message has {counted(len(buttons), 'button')}. It must have 1 to {MOST_BUTTONS}.")
    _check_choices("button", buttons, BUTTON_TITLE_LIMIT, BUTTON_ID_LIMIT)
    titles = [button["title"] for button in buttons if isinstance(button, Mapping)]
    if doubled := _doubled(titles):
        raise BadInput(f"Two buttons have the title {doubled!r}.")


def _check_list(action: Part) -> None:
    _check_title("button", action.get("button"), BUTTON_TITLE_LIMIT)
    sections = _objects("sections", action.get("sections"))
    if len(sections) > MOST_ROWS:
        raise BadInput(f"The list has {len(sections):,} sections. It must have 1 to {MOST_ROWS}.")
    rows = [row for section in sections for row in _objects("rows", section.get("rows"))]
    if not 0 < len(rows) <= MOST_ROWS:
        raise BadInput(f"The list has {counted(len(rows), 'row')}. It must have 1 to {MOST_ROWS}.")
    if len(sections) > 1:
        for section in sections:
            _check_title("section", section.get("title"), ROW_TITLE_LIMIT)
    _check_choices("row", rows, ROW_TITLE_LIMIT, ROW_ID_LIMIT)
    for row in rows:
        if row.get("description") is not None:
            check_length("description of a row", row["description"], DESCRIPTION_LIMIT)


def _objects(what: str, value: Any) -> list[Part]:
    """Return the objects of a list. Raises BadInput if it is not a list of objects."""
    if not isinstance(value, list) or not all(isinstance(part, Mapping) for part in value):
        raise BadInput(f"The {what} of the message are not a list of objects.")
    return value


def _check_choices(what: str, choices: Sequence[Any], title_limit: int, id_limit: int) -> None:
    for choice in choices:
        if not isinstance(choice, Mapping):
            raise BadInput(f"A {what} is not an object with id and title.")
        _check_title(what, choice.get("title"), title_limit)
        identity = choice.get("id")
        if not word(identity) or identity != str(identity).strip():
            raise BadInput(f"The {what} {choice['title']!r} has no id, or one with spaces around it.")
        check_length(f"id of a {what}", identity, id_limit)
    if doubled := _doubled([choice["id"] for choice in choices]):
        raise BadInput(f"Two {what}s have the id {doubled!r}.")


def _check_title(what: str, title: Any, limit: int) -> None:
    if not isinstance(title, str) or not title.strip():
        raise BadInput(f"A {what} has no title.")
    check_length(f"title of the {what} {title[:30]!r}", title, limit)


def _doubled(values: Sequence[str]) -> str | None:
    return next((value for place, value in enumerate(values) if value in values[:place]), None)


def _check_cta_url(action: Part) -> None:
    parameters = _parameters(action, "cta_url")
    _check_title("button", parameters.get("display_text"), BUTTON_TITLE_LIMIT)
    check_link(parameters.get("url"))


def _check_flow(action: Part) -> None:
    parameters = _parameters(action, "flow")
    if str(parameters.get("flow_message_version")) != "3":
        raise BadInput("The flow_message_version is not 3.")
    _check_title("button", parameters.get("flow_cta"), FLOW_BUTTON_LIMIT)
    if bool(parameters.get("flow_id")) == bool(parameters.get("flow_name")):
        raise BadInput("A flow needs either flow_id or flow_name.")
    payload = parameters.get("flow_action_payload")
    if payload is not None and (not isinstance(payload, Mapping) or not word(payload.get("screen"))):
        raise BadInput("The flow_action_payload names no screen.")


_ACTIONS: dict[str, Callable[[Part], None]] = {
    "button": _check_buttons,
    "list": _check_list,
    "cta_url": _check_cta_url,
    "flow": _check_flow,
}


def _parameters(action: Part, name: str) -> Part:
    found = action.get("parameters")
    if action.get("name") != name:
        raise BadInput(f"The name of the action is not {name}.")
    if not isinstance(found, Mapping):
        raise BadInput("The action of the interactive message has no parameters.")
    return found


def _parts(value: Any) -> list[Part]:
    return [part for part in (value if isinstance(value, list) else []) if isinstance(part, Mapping)]


def words(part: Part) -> str | None:
    """Return header, text and footer as a person reads them, then each choice in brackets."""
    lines = [_text_of(part, key) for key in ("header", "body", "footer")]
    action = part.get("action")
    choices = [f"[{choice}]" for choice in _choices(action if isinstance(action, Mapping) else {})]
    return "\n".join(filter(None, [*lines, " ".join(choices)])) or None


def _choices(action: Part) -> Iterator[str]:
    for button in _parts(action.get("buttons")):
        reply = button.get("reply")
        if title := word(reply.get("title")) if isinstance(reply, Mapping) else None:
            yield title
    for section in _parts(action.get("sections")):
        yield from filter(None, (word(row.get("title")) for row in _parts(section.get("rows"))))
    parameters = action.get("parameters")
    if isinstance(parameters, Mapping):
        shown = (word(parameters.get(key)) for key in ("display_text", "flow_cta"))
        yield from (": ".join(filter(None, (title, word(parameters.get("url"))))) for title in shown if title)


def interactive(
    kind: str, body: str, action: Part, *, header: str | None = None, footer: str | None = None
) -> dict[str, Any]:
    """Return an interactive message as the Cloud API takes it."""
    part: dict[str, Any] = {"type": kind, "body": {"text": body}, "action": dict(action)}
    if header:
        part["header"] = {"type": "text", "text": header}
    if footer:
        part["footer"] = {"text": footer}
    return {"type": "interactive", "interactive": part}


def buttons(titles: Sequence[str]) -> dict[str, Any]:
    """Return the action of reply buttons, written as `TITLE` or `ID=TITLE`."""
    return {"buttons": [{"type": "reply", "reply": _choice(title)} for title in titles]}


def rows(button: str, titles: Sequence[str]) -> dict[str, Any]:
    """Return the action of a list of one section. A row is written as `TITLE`, `ID=TITLE` or `ID=TITLE | DESCRIPTION`."""
    return {"button": button, "sections": [{"rows": [_row(title) for title in titles]}]}


def _row(text: str) -> dict[str, str]:
    head, _, description = text.partition("|")
    return {**_choice(head), **({"description": description.strip()} if description.strip() else {})}


def _choice(text: str) -> dict[str, str]:
    identity, given, title = text.partition("=")
    title = (title if given else identity).strip()
    return {"id": identity.strip() if given else title, "title": title}


def cta_url(title: str, url: str) -> dict[str, Any]:
    """Return the action of a button that opens a link."""
    return {"name": "cta_url", "parameters": {"display_text": title, "url": url}}


def flow(
    title: str,
    *,
    flow_id: str | None = None,
    flow_name: str | None = None,
    token: str | None = None,
    screen: str | None = None,
    data: Part | None = None,
    draft: bool = False,
) -> dict[str, Any]:
    """Return the action of a button that opens a flow, at its first screen or at `screen` with `data`."""
    parameters: dict[str, Any] = {"flow_message_version": "3", "flow_cta": title, "flow_token": token or "unused"}
    parameters |= {key: value for key, value in (("flow_id", flow_id), ("flow_name", flow_name)) if value}
    if screen:
        parameters["flow_action"] = "navigate"
        parameters["flow_action_payload"] = {"screen": screen, **({"data": dict(data)} if data else {})}
    if draft:
        parameters["mode"] = "draft"
    return {"name": "flow", "parameters": parameters}
