"""A stand-in for the Graph API: a real HTTP server that judges for itself and shares no code with our client.

Real paths answer like Meta's. Routes of its own lie under `/_sandbox`, which production code cannot call by accident.
Accepted messages are logged on disk, and the log proves in tests what was really sent.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from aiohttp import web

from wa_cli import private_files
from wa_cli.errors import ConfigError, system_reason
from wa_cli.sandbox import ACCOUNT, DISPLAY_PHONE, NUMBER, graph_errors, media_files, notification_files, replay, rules
from wa_cli.sandbox.callbacks import Callbacks, Update
from wa_cli.sandbox.faults import AFTER_TAKING, SLOW_SECONDS, Faults
from wa_cli.sandbox.numbers import Behaviour, behaviour_of

WINDOW_SECONDS = 24 * 3600
STATUS_DELAYS = {"sent": 0.05, "delivered": 0.25, "read": 0.8, "failed": 0.25}
LARGEST_REQUEST = 1 << 20

_NUMBER = {
    "id": NUMBER,
    "verified_name": "Sandbox",
    "display_phone_number": f"+{DISPLAY_PHONE}",
    "code_verification_status": "VERIFIED",
    "status": "CONNECTED",
    "quality_rating": "GREEN",
    "platform_type": "CLOUD_API",
    "throughput": {"level": "STANDARD"},
}
_MEANINGS = {
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131049: "This message was not delivered to maintain healthy ecosystem engagement.",
    130497: "Business account is restricted from messaging users in this country.",
}


@dataclass(frozen=True)
class Options:
    """The behaviour of the sandbox. `strict` applies the 24-hour windows. `answer_after` is the delay of an answer in
    seconds.

    `templates` maps approved templates besides hello_world, (name, language), to their number of parameters. `pace`
    multiplies the usual half second of statuses. `statuses=False` sends none, like an unsubscribed webhook. `limit` is
    the send rate of the number per second, in bursts of a quarter of a second.
    """

    strict: bool = False
    answer_after: float = 0.0
    templates: Mapping[tuple[str, str], int] = field(default_factory=dict)
    pace: float = 1.0
    statuses: bool = True
    limit: float | None = None
    faults: Faults = field(default_factory=Faults)
    home: str = ""


class Sandbox:
    """One business number at a stand-in for the Graph API."""

    def __init__(self, folder: Path, webhook_url: str, secret: str, options: Options | None = None) -> None:
        self.folder = folder
        self.options = options or Options()
        self.templates: dict[tuple[str, str], int] = {("hello_world", "en_US"): 0, **self.options.templates}
        self.windows: dict[str, float] = {}
        self.accepted = 0
        self._room, self._room_at = 1.0, time.monotonic()
        private_files.make_folder(folder)
        self.callbacks = Callbacks(webhook_url, secret, folder / "callbacks.jsonl", ACCOUNT)
        self._log: IO[str] | None = None
        self._runner: web.AppRunner | None = None
        self._deliverer: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self, port: int) -> None:
        """Listen on loopback, on `port` if it is free, else on another. Sets `url`."""
        app = web.Application(client_max_size=LARGEST_REQUEST)
        app.router.add_post("/{version}/{number}/messages", self._messages)
        app.router.add_get("/{version}/{object}/message_templates", self._templates)
        app.router.add_get("/{version}/debug_token", self._token)
        app.router.add_get("/{version}/{object}/subscribed_apps", self._subscribers)
        app.router.add_get("/{version}/{object}", self._object)
        app.router.add_get("/_sandbox/files/{id}", self._file)
        app.router.add_get("/_sandbox", self._state)
        app.router.add_post("/_sandbox/play", self._play)
        app.router.add_post("/_sandbox/say", self._say)
        app.router.add_route("*", "/{path:.*}", self._anything_else)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, "127.0.0.1", port).start()
        except OSError:
            try:
                await web.TCPSite(self._runner, "127.0.0.1", 0).start()
            except OSError as error:
                raise ConfigError(f"The sandbox cannot listen on any port: {system_reason(error)}.") from None
        host, real_port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{real_port}"
        self._log = private_files.opened(self.folder / "log.jsonl", "a", encoding="utf-8", buffering=1)
        self.callbacks.resume()
        self._deliverer = asyncio.create_task(self.callbacks.run())

    async def stop(self) -> None:
        self.callbacks.stop()
        if self._deliverer:
            await self._deliverer
        if self._runner:
            await self._runner.cleanup()
        if self._log:
            self._log.close()

    def customer_writes(self, customer: str, text: str, name: str | None = None) -> str:
        """Send the webhook of a customer's message. Return its id."""
        filled = replay.words("text", customer, text, name or f"Customer {customer[-4:]}", self.url, None)
        self.windows[customer] = time.time()
        self.callbacks.schedule(Update(notification_files.value("text", **filled)))
        return filled["wamid"]

    async def _messages(self, request: web.Request) -> web.Response:
        fault = self.options.faults.draw()
        try:
            rules.check_version(request.match_info["version"])
            rules.check_token(request.headers.get("Authorization"), request.query.get("access_token"))
            if request.match_info["number"] != NUMBER:
                raise graph_errors.unknown_object(request.match_info["number"])
            asked = await _json(request)
            if isinstance(asked, Mapping) and asked.get("status") == "read":
                rules.check_read(asked)
                self._note({"kind": "read", "wamid": asked["message_id"], "typing": "typing_indicator" in asked})
                return web.json_response({"success": True})
            customer, kind = rules.check_envelope(asked, self.templates)
            behaviour = behaviour_of(customer)
            self._check_behaviour(behaviour)
            self._check_window(customer, kind)
            self._check_limit()
            if fault == "throttled":
                raise graph_errors.throttled()
            if fault == "failed":
                raise graph_errors.out_of_order()
        except graph_errors.GraphError as error:
            self._note({"kind": "refused", "code": error.code})
            await asyncio.sleep(self.options.answer_after)
            return web.json_response(error.body(), status=error.status)
        if fault and fault not in AFTER_TAKING:
            self._note({"kind": "fault", "fault": fault})
            return await self._answer_with(fault, request)
        answer = self._accept(asked, customer, kind, behaviour, fault)
        await asyncio.sleep(self.options.answer_after)
        if fault:
            return await self._answer_with(fault, request, answer)
        return web.json_response(answer)

    @staticmethod
    async def _answer_with(fault: str, request: web.Request, answer: Any = None) -> web.Response:
        if fault.startswith("gateway"):
            return web.Response(status=504, text="<html>504 Gateway Time-out</html>", content_type="text/html")
        if fault == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        elif request.transport is not None:
            request.transport.abort()
        return web.json_response(answer)

    def _check_limit(self) -> None:
        if self.options.limit is None:
            return
        now = time.monotonic()
        burst = max(1.0, self.options.limit / 4)
        self._room = min(burst, self._room + (now - self._room_at) * self.options.limit)
        self._room_at = now
        if self._room < 1:
            raise graph_errors.throttled()
        self._room -= 1

    def _accept(
        self, asked: Mapping[str, Any], customer: str, kind: str, behaviour: Behaviour, fault: str | None
    ) -> dict[str, Any]:
        wamid = rules.make_wamid(customer, outbound=True)
        echo = asked.get("biz_opaque_callback_data")
        self.accepted += 1
        self._note({"kind": "accepted", "wamid": wamid, "to": customer, "type": kind, "opaque": echo, "fault": fault})
        # Meta reports no delivery of a reaction.
        statuses = behaviour.statuses[:1] if kind == "reaction" else behaviour.statuses
        for status in statuses if self.options.statuses else ():
            timestamp = str(int(time.time() + self._delay(status)))
            value = notification_files.value(
                "status", other=wamid, status=status, timestamp=timestamp, **{"from": customer}
            )
            if echo:
                value["statuses"][0]["biz_opaque_callback_data"] = echo
            if status == "failed" and behaviour.code:
                value["statuses"][0]["errors"] = [_status_error(behaviour.code)]
            self.callbacks.schedule(Update(value), self._delay(status))
        message: dict[str, Any] = {"id": wamid}
        if kind == "template":
            message["message_status"] = "accepted"
        contact = {"input": asked["to"], "wa_id": customer} if asked.get("to") else {"user_id": customer}
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [message]}

    def _delay(self, status: str) -> float:
        return STATUS_DELAYS[status] * self.options.pace

    @staticmethod
    def _check_behaviour(behaviour: Behaviour) -> None:
        if behaviour.refused:
            raise graph_errors.GraphError(
                behaviour.refused, f"(#{behaviour.refused}) Refused, as this number is scripted"
            )

    def _check_window(self, customer: str, kind: str) -> None:
        is_open = self.windows.get(customer, 0.0) > time.time() - WINDOW_SECONDS
        if self.options.strict and kind != "template" and not is_open:
            raise graph_errors.window_closed()

    async def _templates(self, request: web.Request) -> web.Response:
        try:
            rules.check_token(request.headers.get("Authorization"), request.query.get("access_token"))
            if request.match_info["object"] != ACCOUNT:
                raise graph_errors.unknown_object(request.match_info["object"])
        except graph_errors.GraphError as error:
            return web.json_response(error.body(), status=error.status)
        listed = [
            {
                "name": name,
                "language": language,
                "status": "APPROVED",
                "category": "UTILITY",
                "id": str(900 + place),
                "parameter_format": "POSITIONAL",
                "components": [{"type": "BODY", "text": _template_text(name, self.templates[name, language])}],
            }
            for place, (name, language) in enumerate(sorted(self.templates))
        ]
        return web.json_response(_page(listed, request.query))

    async def _object(self, request: web.Request) -> web.Response:
        """Answer with the business number, or a file that a customer sent."""
        identity = request.match_info["object"]
        try:
            rules.check_version(request.match_info["version"])
            rules.check_token(request.headers.get("Authorization"), request.query.get("access_token"))
            if identity == NUMBER:
                callback = {"application": self.callbacks.url}
                return web.json_response({**_NUMBER, "webhook_configuration": callback})
            file = media_files.find(identity)
            if file is None or request.query.get("phone_number_id", NUMBER) != NUMBER:
                raise graph_errors.unknown_object(identity)
        except graph_errors.GraphError as error:
            return web.json_response(error.body(), status=error.status)
        ticket = media_files.ticket(file.id, self.callbacks.secret)
        return web.json_response(
            {
                "messaging_product": "whatsapp",
                "url": f"{self.url}/_sandbox/files/{file.id}?ticket={ticket}",
                "mime_type": file.mime_type,
                "sha256": hashlib.sha256(file.content).hexdigest(),
                "file_size": str(len(file.content)),
                "id": file.id,
            }
        )

    async def _token(self, request: web.Request) -> web.Response:
        """Answer with a token that never expires and has every permission."""
        try:
            rules.check_token(request.headers.get("Authorization"), request.query.get("access_token"))
        except graph_errors.GraphError as error:
            return web.json_response(error.body(), status=error.status)
        scopes = ["whatsapp_business_messaging", "whatsapp_business_management"]
        known = {"is_valid": True, "type": "SYSTEM_USER", "expires_at": 0, "scopes": scopes}
        return web.json_response({"data": known})

    async def _subscribers(self, request: web.Request) -> web.Response:
        """Answer with the only app, which gets every webhook."""
        identity = request.match_info["object"]
        try:
            rules.check_token(request.headers.get("Authorization"), request.query.get("access_token"))
            if identity != ACCOUNT:
                raise graph_errors.unknown_object(identity)
        except graph_errors.GraphError as error:
            return web.json_response(error.body(), status=error.status)
        app = {"id": "300000000000003", "name": "Sandbox", "link": "https://example.com"}
        return web.json_response({"data": [{"whatsapp_business_api_data": app}]})

    async def _file(self, request: web.Request) -> web.Response:
        """Answer with the bytes of a file: with the token, and while the URL is valid."""
        try:
            rules.check_token(request.headers.get("Authorization"), None)
        except graph_errors.GraphError:
            return web.Response(status=401)
        file = media_files.find(request.match_info["id"])
        if file is None or not media_files.is_good(file.id, request.query.get("ticket", ""), self.callbacks.secret):
            return web.Response(status=404)
        return web.Response(body=file.content, headers={"Content-Type": file.mime_type})

    async def _state(self, request: web.Request) -> web.Response:
        del request
        return web.json_response(
            {
                "sandbox": "wa",
                "home": self.options.home,
                "accepted": self.accepted,
                "webhooks_waiting": self.callbacks.waiting,
                "webhook_url": self.callbacks.url,
            }
        )

    async def _say(self, request: web.Request) -> web.Response:
        asked = await _json(request)
        customer, text = str(asked.get("from", "")).lstrip("+"), asked.get("text")
        if not customer.isdigit() or not isinstance(text, str) or not text:
            return web.json_response({"error": "say needs `from`, a number, and `text`"}, status=400)
        return web.json_response({"id": self.customer_writes(customer, text, asked.get("name"))})

    async def _play(self, request: web.Request) -> web.Response:
        asked = await _json(request)
        customer = str(asked.get("from", "")).lstrip("+")
        unknown = [name for name in asked.get("names", ()) if name not in notification_files.names()]
        if unknown or not customer.isdigit():
            return web.json_response({"error": "play needs `names` of notifications and `from`, a number"}, status=400)
        profile = asked.get("name") or f"Customer {customer[-4:]}"
        notifications = [
            (name, replay.words(name, customer, asked["text"], profile, self.url, asked.get("about")))
            for name in asked["names"]
        ]
        self.windows[customer] = time.time()
        played = await replay.play(self.callbacks, notifications, replay.Manner(**asked.get("manner", {})))
        return web.json_response({"played": played})

    async def _anything_else(self, request: web.Request) -> web.Response:
        error = graph_errors.unknown_path(request.path)
        return web.json_response(error.body(), status=error.status)

    def _note(self, line: dict[str, Any]) -> None:
        if self._log:
            self._log.write(json.dumps({"at": time.time(), **line}, separators=(",", ":")) + "\n")


def _status_error(code: int) -> dict[str, Any]:
    title = _MEANINGS.get(code, "Message failed")
    return {"code": code, "title": title, "message": title, "error_data": {"details": title}}


def _page(listed: Sequence[Any], query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page of a list as Meta pages it: `limit` objects behind the cursor `after`."""
    begin = int(query["after"]) if query.get("after", "").isdecimal() else 0
    size = int(query["limit"]) if query.get("limit", "").isdecimal() else 25
    end = begin + size
    paging: dict[str, Any] = {"cursors": {"before": str(begin), "after": str(end)}}
    if end < len(listed):
        paging["next"] = f"https://graph.facebook.com/next?after={end}"
    return {"data": listed[begin:end], "paging": paging}


def _template_text(name: str, parameters: int) -> str:
    marks = " ".join(f"{{{{{place}}}}}" for place in range(1, parameters + 1))
    return " ".join(filter(None, (name.replace("_", " ").capitalize(), marks)))


async def _json(request: web.Request) -> Any:
    with suppress(ValueError):
        return json.loads(await request.read())
    return {}
