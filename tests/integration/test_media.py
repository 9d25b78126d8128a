"""Customers' files are downloaded, checked, saved once, and retried for as long as Meta keeps them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from tests.integration.conftest import Bench
from tests.integration.test_recording import METADATA, Desk
from tests.support.event_loop import http_server, in_thread
from tests.support.local_aws import LocalAws
from tests.support.running_sandbox import RunningSandbox, running_sandbox
from wa_cli.clock import now
from wa_cli.cloud import webhooks
from wa_cli.cloud.client import CloudClient
from wa_cli.cloud.media import same_hash
from wa_cli.media import downloader as fetching
from wa_cli.media.downloader import Downloader
from wa_cli.media.downloads import Files
from wa_cli.media.stores import FolderStore, MediaStore, S3Store
from wa_cli.runtime.stop import Stop
from wa_cli.sandbox import NUMBER, media_files
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Event


class Darkroom:
    """An incoming intake, a media store, and a downloader that connects them with an API."""

    def __init__(self, bench: Bench, folder: Path) -> None:
        self.bench = bench
        self.desk = Desk(bench, folder / "spool")
        self.files = Files(bench.database)
        self.folder = folder / "files"
        self.store: MediaStore = FolderStore(self.folder)
        self.told: list[Event] = []

    def receive(self, file: media_files.File, wamid: str = "wamid.1", kind: str = "image", **changes: Any) -> None:
        part = {"id": file.id, "mime_type": file.mime_type, "sha256": file.sha256, **changes}
        item = {"from": "1555", "id": wamid, "timestamp": str(int(now().timestamp())), "type": kind, kind: part}
        metadata = {**METADATA, "phone_number_id": NUMBER}
        self.desk.persist_webhooks(json.dumps(webhooks.notify({"metadata": metadata, "messages": [item]})))

    def fetch(self, url: str, token: str = "token") -> int:
        async def once() -> int:
            client = CloudClient(url, version="v25.0", number=NUMBER, token=token)
            try:
                return await Downloader(self.files, client.media, self.store, self.told.append).fetch_due()
            finally:
                await client.close()

        return asyncio.run(once())

    def row(self, wamid: str = "wamid.1") -> Any:
        [row] = [row for row in self.bench.rows() if row["message_id"] == wamid]
        return row

    def state(self, wamid: str = "wamid.1") -> Any:
        [row] = self.bench.sql("SELECT * FROM wa.media WHERE message_id = :id", id=wamid)
        return row

    def due(self) -> None:
        self.bench.sql("UPDATE wa.media SET due_at = clock_timestamp()")


@pytest.fixture
def darkroom(bench: Bench, tmp_path: Path) -> Darkroom:
    return Darkroom(bench, tmp_path)


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path / "sandbox") as running:
        yield running


def api(answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AbstractContextManager[str]:
    """Run an API that answers with this handler. The context is its URL."""
    return in_thread(http_server(answer))


def test_a_file_is_saved_and_its_location_is_stored_with_its_message(
    darkroom: Darkroom, sandbox: RunningSandbox
) -> None:
    picture = media_files.make("image")
    darkroom.receive(picture)
    assert (darkroom.row()["media_type"], darkroom.row()["media_url"]) == ("image/png", None)

    assert darkroom.fetch(sandbox.url) == 1

    row = darkroom.row()
    assert Path(row["media_url"]).read_bytes() == picture.content
    assert Path(row["media_url"]).suffix == ".png"
    assert row["media_size"] == len(picture.content)
    assert darkroom.state()["state"] == "saved"
    assert darkroom.fetch(sandbox.url) == 0
    assert not list((darkroom.folder / ".coming").iterdir())


def test_a_redelivered_message_downloads_its_file_once(darkroom: Darkroom, sandbox: RunningSandbox) -> None:
    picture = media_files.make("image")
    darkroom.receive(picture)
    darkroom.fetch(sandbox.url)

    darkroom.receive(picture)

    assert darkroom.fetch(sandbox.url) == 0
    assert darkroom.row()["media_url"]


def test_files_are_saved_to_s3(darkroom: Darkroom, sandbox: RunningSandbox, aws: LocalAws) -> None:
    client, bucket = aws.client("s3"), f"files-{uuid4().hex[:8]}"
    client.create_bucket(Bucket=bucket)
    darkroom.store = S3Store(client, bucket, "whatsapp/in")
    document = media_files.make("document")
    darkroom.receive(document, kind="document")

    darkroom.fetch(sandbox.url)

    place = darkroom.row()["media_url"]
    assert place.startswith(f"s3://{bucket}/whatsapp/in/")
    assert place.endswith(".pdf")
    kept = client.get_object(Bucket=bucket, Key=place.removeprefix(f"s3://{bucket}/"))
    assert (kept["Body"].read(), kept["ContentType"]) == (document.content, "application/pdf")


def test_a_file_that_the_media_store_refuses_is_retried(
    darkroom: Darkroom, sandbox: RunningSandbox, aws: LocalAws
) -> None:
    darkroom.store = S3Store(aws.client("s3"), "no-such-bucket", "")
    darkroom.receive(media_files.make("image"))

    darkroom.fetch(sandbox.url)

    assert (darkroom.state()["state"], darkroom.state()["attempt"]) == ("waiting", 1)
    assert "no-such-bucket" in darkroom.state()["reason"]


def test_a_missing_file_is_reported_as_lost_after_several_attempts(darkroom: Darkroom, sandbox: RunningSandbox) -> None:
    darkroom.receive(media_files.File("999", "image/png", b""))

    for _ in range(fetching.BELIEVED_AFTER):
        assert darkroom.state()["state"] == "waiting"
        darkroom.due()
        darkroom.fetch(sandbox.url)

    assert darkroom.state()["state"] == "lost"
    assert [event.message_id for event in darkroom.told if isinstance(event, events.FileLost)] == ["wamid.1"]


def test_an_expired_file_is_lost_without_another_attempt(darkroom: Darkroom) -> None:
    darkroom.receive(media_files.make("image"))
    darkroom.bench.sql("UPDATE wa.media SET gone_at = clock_timestamp() - interval '1 second'")

    darkroom.fetch("http://127.0.0.1:9")

    assert darkroom.state()["state"] == "lost"


def test_a_refused_token_does_not_count_as_an_attempt(darkroom: Darkroom, sandbox: RunningSandbox) -> None:
    darkroom.receive(media_files.make("image"))

    darkroom.fetch(sandbox.url, token="bad")

    assert (darkroom.state()["state"], darkroom.state()["attempt"]) == ("waiting", 0)


def test_a_download_is_retried_when_the_api_is_available_again(darkroom: Darkroom, sandbox: RunningSandbox) -> None:
    darkroom.receive(media_files.make("image"))
    darkroom.fetch("http://127.0.0.1:9")
    assert (darkroom.state()["state"], darkroom.state()["attempt"]) == ("waiting", 1)

    darkroom.due()
    darkroom.fetch(sandbox.url)

    assert darkroom.state()["state"] == "saved"


def test_a_file_that_does_not_match_its_hash_is_not_kept(darkroom: Darkroom) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/bytes"):
            return web.Response(body=b"something else")
        return web.json_response({"url": f"http://{request.host}/bytes", "mime_type": "image/png"})

    darkroom.receive(media_files.make("image"))
    with api(answer) as url:
        darkroom.fetch(url)

    assert darkroom.state()["state"] == "waiting"
    assert "does not match the hash" in darkroom.state()["reason"]
    assert not list(darkroom.folder.glob("*/*.png"))


@pytest.mark.parametrize(
    ("status", "error", "state"),
    [
        (429, {"code": 130429, "message": "slow down"}, "waiting"),
        (400, {"code": 80007, "message": "rate limit"}, "waiting"),
        (500, {"code": 131000, "message": "later"}, "waiting"),
        (503, None, "waiting"),
        (404, None, "waiting"),
        (302, None, "waiting"),
    ],
)
def test_a_file_waits_for_a_retry_after_an_api_error(darkroom: Darkroom, status: int, error: Any, state: str) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        del request
        if error is None:
            return web.Response(status=status, headers={"Location": "http://127.0.0.1:9/"})
        return web.json_response({"error": error}, status=status)

    darkroom.receive(media_files.make("image"))
    with api(answer) as url:
        darkroom.fetch(url)

    assert darkroom.state()["state"] == state


def test_an_expired_download_url_is_requested_again(darkroom: Darkroom, sandbox: RunningSandbox) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/bytes":
            return web.Response(status=404)
        return web.json_response({"url": f"http://{request.host}/bytes"})

    darkroom.receive(media_files.make("image"))
    with api(answer) as url:
        for _ in range(fetching.BELIEVED_AFTER + 1):
            darkroom.due()
            darkroom.fetch(url)
    darkroom.due()
    darkroom.fetch(sandbox.url)

    assert darkroom.state()["state"] == "saved"


def test_a_row_that_refuses_its_file_location_is_reported_and_retried(
    darkroom: Darkroom, sandbox: RunningSandbox
) -> None:
    darkroom.receive(media_files.make("image"))
    darkroom.bench.sql("ALTER TABLE whatsapp_messages ADD CONSTRAINT small CHECK (media_size < 5)")

    darkroom.fetch(sandbox.url)

    assert "small" in darkroom.state()["reason"]
    assert [event.count for event in darkroom.told if isinstance(event, events.FilesDelayed)] == [1]


def test_a_redirect_of_the_download_url_is_not_followed(darkroom: Darkroom) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        if request.path == "/bytes":
            return web.Response(status=302, headers={"Location": f"http://{request.host}/elsewhere"})
        return web.json_response({"url": f"http://{request.host}/bytes"})

    darkroom.receive(media_files.make("image"))
    with api(answer) as url:
        darkroom.fetch(url)

    assert "/elsewhere" not in asked
    assert darkroom.state()["state"] == "waiting"


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("http://{host}:{port}/bytes", "over https only"),
        ("http://lookaside.fbsbx.com/bytes", "over https only"),
        ("file:///etc/passwd", "over https only"),
        ("nonsense", "over https only"),
        ("https://{host}:{port}/bytes", "not a public address"),
        ("https://localhost:{port}/bytes", "not a public address"),
        ("https://[::ffff:127.0.0.1]:{port}/bytes", "not a public address"),
        ("https://2130706433:{port}/bytes", "2130706433"),
        ("https://169.254.169.254/latest/meta-data", "not a public address"),
        ("https://10.0.0.1/bytes", "not a public address"),
        ("https://192.168.1.1/bytes", "not a public address"),
        ("https://[fe80::1]/bytes", "not a public address"),
        ("https://[fd00::1]/bytes", "not a public address"),
        ("https://[fec0::1]/bytes", "not a public address"),
        ("https://[64:ff9b::7f00:1]/bytes", "not a public address"),
        ("https://[64:ff9b:1::a9fe:a9fe]/bytes", "not a public address"),
        ("https://[::127.0.0.1]:{port}/bytes", "not a public address"),
        ("https://0.0.0.0:{port}/bytes", "not a public address"),
    ],
)
def test_the_token_is_sent_only_over_https_to_public_addresses(darkroom: Darkroom, place: str, said: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as elsewhere:
        host, port = elsewhere.getsockname()
        elsewhere.settimeout(0)

        async def answer(_: web.Request) -> web.StreamResponse:
            return web.json_response({"url": place.format(host=host, port=port)})

        darkroom.receive(media_files.make("image"))
        with api(answer) as url:
            darkroom.fetch(url)

        with pytest.raises(BlockingIOError):
            elsewhere.accept()
    assert said in darkroom.state()["reason"]
    assert darkroom.state()["state"] == "waiting"


def test_a_slow_download_delays_no_message_and_is_retried_after_a_stop(
    darkroom: Darkroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PATIENCE", 0.1)

    async def answer(request: web.Request) -> web.StreamResponse:
        del request
        asking.set()
        await asyncio.Event().wait()
        return web.Response()

    asking = threading.Event()
    darkroom.receive(media_files.make("image"))

    async def live(url: str) -> None:
        client = CloudClient(url, version="v25.0", number=NUMBER, token="token")
        stop = Stop()
        running = asyncio.create_task(
            Downloader(darkroom.files, client.media, darkroom.store, darkroom.told.append).run(stop)
        )
        await asyncio.to_thread(asking.wait, 10)
        await asyncio.to_thread(darkroom.receive, media_files.make("image"), "wamid.2")
        stop.set()
        await running
        await client.close()

    with api(answer) as url:
        asyncio.run(live(url))

    assert darkroom.row("wamid.2")
    assert darkroom.state()["state"] == "waiting"
    [row] = darkroom.bench.sql("SELECT due_at > clock_timestamp() AS held FROM wa.media WHERE message_id = 'wamid.1'")
    assert row["held"]


def test_files_missing_from_the_download_table_are_found_in_the_message_rows(
    darkroom: Darkroom, sandbox: RunningSandbox
) -> None:
    picture = media_files.make("image")
    darkroom.receive(picture)
    darkroom.bench.sql("DELETE FROM wa.media")

    assert darkroom.files.missed() == 1
    darkroom.fetch(sandbox.url)

    assert darkroom.row()["media_size"] == len(picture.content)
    assert darkroom.files.missed() == 0


def test_two_downloaders_never_claim_the_same_file(darkroom: Darkroom) -> None:
    for place in range(10):
        darkroom.receive(media_files.make("image"), f"wamid.{place}")
    lease = timedelta(minutes=1)

    first, second = darkroom.files.claim(6, lease), darkroom.files.claim(6, lease)

    assert len({file.message_id for file in (*first, *second)}) == len(first) + len(second) == 10


def test_partial_files_of_a_dead_worker_are_deleted(tmp_path: Path) -> None:
    coming = tmp_path / ".coming"
    coming.mkdir()
    (coming / "old").write_bytes(b"x")
    os.utime(coming / "old", (0, 0))
    (coming / "new").write_bytes(b"x")

    FolderStore(tmp_path).tidy()

    assert [path.name for path in coming.iterdir()] == ["new"]


@pytest.mark.parametrize(
    "written", [lambda d: d.hex(), lambda d: d.hex().upper(), lambda d: base64.b64encode(d).decode()]
)
def test_hashes_are_the_same_in_base64_and_hex(written: Callable[[bytes], str]) -> None:
    digest = hashlib.sha256(b"bytes").digest()

    assert same_hash(written(digest), digest)
    assert same_hash(written(digest).rstrip("="), digest)
    assert not same_hash(written(hashlib.sha256(b"others").digest()), digest)
    assert not same_hash("rubbish!", digest)
