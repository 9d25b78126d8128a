from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wa_cli.sandbox import graph_errors

# Meta, interactive messages: what each kind takes.
BODIES = {"button": 1024, "list": 4096, "cta_url": 1024, "flow": 1024}
OTHERS = (
    *("location_request_message", "request_contact_info", "product", "product_list", "catalog_message"),
    *("address_message", "call_permission_request", "voice_call", "order_details", "order_status", "carousel"),
)


def check(part: Mapping[str, Any], templates: object) -> None:
    del templates
    kind = part.get("type")
    if kind not in BODIES:
        if kind in OTHERS:
            return
        raise graph_errors.invalid(f"interactive.type {kind!r} is not known")
    _text(part, "body", BODIES[kind], required=True)
    _text(part, "footer", 60)
    if part.get("header") is not None:
        _header(part["header"], kind)
    action = part.get("action")
    if not isinstance(action, Mapping):
        raise graph_errors.parameter_missing("interactive['action']")
    _ACTIONS[kind](action)


def _text(part: Mapping[str, Any], key: str, most: int, *, required: bool = False) -> None:
    found = part.get(key)
    if found is None and not required:
        return
    text = found.get("text") if isinstance(found, Mapping) else None
    if not isinstance(text, str) or not text:
        raise graph_errors.parameter_missing(f"interactive['{key}']['text']")
    if len(text) > most:
        raise graph_errors.invalid(f"{key.capitalize()} text length invalid. Min length: 1, Max length: {most}")


def _header(header: Any, kind: str) -> None:
    allowed = ("text",) if kind == "list" else ("text", "image", "video", "document")
    sort = header.get("type") if isinstance(header, Mapping) else None
    if sort not in allowed:
        raise graph_errors.invalid(f"Invalid header type. Allowed: {', '.join(allowed)}")
    if sort == "text":
        _text({"header": header}, "header", 60)
    elif not isinstance(header.get(sort), Mapping) or not (header[sort].get("id") or header[sort].get("link")):
        raise graph_errors.parameter_missing(f"interactive['header']['{sort}']")


def _buttons(action: Mapping[str, Any]) -> None:
    buttons = action.get("buttons")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise graph_errors.invalid("Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3")
    replies = [button.get("reply") if isinstance(button, Mapping) else None for button in buttons]
    for reply in replies:
        _choice(reply, "Button", 20, 256)
    for key in ("title", "id"):
        if len({reply[key] for reply in replies if reply}) < len(replies):
            raise graph_errors.invalid(f"Duplicated button {key}")


def _choice(choice: Any, what: str, longest_title: int, longest_id: int) -> None:
    if not isinstance(choice, Mapping) or not choice.get("title") or not choice.get("id"):
        raise graph_errors.parameter_missing(f"{what} title and id")
    if len(str(choice["title"])) > longest_title:
        raise graph_errors.invalid(f"{what} title exceeds {longest_title} characters")
    if len(str(choice["id"])) > longest_id or str(choice["id"]) != str(choice["id"]).strip():
        raise graph_errors.invalid(f"{what} id is invalid. Max length: {longest_id}")


def _list(action: Mapping[str, Any]) -> None:
    button, sections = action.get("button"), action.get("sections")
    if not isinstance(button, str) or not 1 <= len(button) <= 20:
        raise graph_errors.invalid("List button title length invalid. Min length: 1, Max length: 20")
    if not isinstance(sections, list) or not 1 <= len(sections) <= 10:
        raise graph_errors.invalid("Invalid sections count. Min allowed sections: 1, Max allowed sections: 10")
    if not all(isinstance(section, Mapping) and isinstance(section.get("rows"), list) for section in sections):
        raise graph_errors.parameter_missing("sections[]['rows']")
    rows = [row for section in sections for row in section["rows"]]
    if not 1 <= len(rows) <= 10:
        raise graph_errors.invalid("Total row count exceed max allowed count: 10")
    for section in sections if len(sections) > 1 else ():
        if not section.get("title") or len(str(section["title"])) > 24:
            raise graph_errors.invalid("Section title length invalid. Min length: 1, Max length: 24")
    for row in rows:
        _choice(row, "Row", 24, 200)
        if len(str(row.get("description") or "")) > 72:
            raise graph_errors.invalid("Row description exceeds 72 characters")
    if len({row["id"] for row in rows}) < len(rows):
        raise graph_errors.invalid("Duplicated row id")


def _parameters(action: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = action.get("parameters")
    if action.get("name") != name or not isinstance(found, Mapping):
        raise graph_errors.parameter_missing("interactive['action']['parameters']")
    return found


def _cta_url(action: Mapping[str, Any]) -> None:
    parameters = _parameters(action, "cta_url")
    if not 1 <= len(str(parameters.get("display_text") or "")) <= 20:
        raise graph_errors.invalid("display_text length invalid. Min length: 1, Max length: 20")
    if not str(parameters.get("url") or "").startswith(("http://", "https://")):
        raise graph_errors.invalid("url is not a valid URI")


def _flow(action: Mapping[str, Any]) -> None:
    parameters = _parameters(action, "flow")
    if not parameters.get("flow_cta") or len(str(parameters["flow_cta"])) > 30:
        raise graph_errors.invalid("flow_cta length invalid. Min length: 1, Max length: 30")
    if bool(parameters.get("flow_id")) == bool(parameters.get("flow_name")):
        raise graph_errors.invalid("Exactly one of flow_id and flow_name is needed")
    if str(parameters.get("flow_message_version")) != "3":
        raise graph_errors.invalid("flow_message_version must be 3")
    payload = parameters.get("flow_action_payload")
    if payload is not None and not (isinstance(payload, Mapping) and payload.get("screen")):
        raise graph_errors.parameter_missing("flow_action_payload['screen']")


_ACTIONS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "button": _buttons,
    "list": _list,
    "cta_url": _cta_url,
    "flow": _flow,
}
