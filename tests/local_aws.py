"""AWS on loopback: ministack in a process of its own, started and stopped with the tests.

As a script it is that process: `local_aws.py PORT`. It lets a test move the messages instead of the clock.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import httpx
from botocore.config import Config

START_LIMIT = 30.0
ENVIRON = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class LocalAws:
    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self.sqs: Any = boto3.session.Session().client(
            "sqs",
            endpoint_url=url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(max_pool_connections=20),
        )

    def queue(self, *, fifo: bool = False, **attributes: str) -> str:
        """The URL of a new queue."""
        name = f"test-{uuid4().hex[:12]}" + (".fifo" if fifo else "")
        if fifo:
            attributes["FifoQueue"] = "true"
        return str(self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    def pass_time(self, span: timedelta) -> None:
        httpx.get(f"{self.url}/_pass_time?{span.total_seconds()}", timeout=5).raise_for_status()


@contextmanager
def local_aws() -> Iterator[LocalAws]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environ = {**os.environ, "LOG_LEVEL": "ERROR", "GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1"}
    server = subprocess.Popen([sys.executable, str(Path(__file__)), str(port)], env=environ)
    aws = LocalAws(f"http://127.0.0.1:{port}", server.pid)
    try:
        _wait_for(aws)
        yield aws
    finally:
        aws.sqs.close()
        server.terminate()
        server.wait(timeout=10)


def _wait_for(aws: LocalAws) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            return aws.pass_time(timedelta(0))
        time.sleep(0.02)
    raise TimeoutError("ministack did not start")


def _serve(port: int) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config as Listening
    from ministack.app import app
    from ministack.services import sqs

    async def with_time(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/_pass_time":
            await app(scope, receive, send)
            return
        span = float(scope["query_string"])
        for queue in list(sqs._queues._data.values()):
            for message in queue["messages"]:
                message["visible_at"] -= span
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    listening = Listening()
    listening.bind = [f"127.0.0.1:{port}"]
    listening.loglevel = "ERROR"
    asyncio.run(serve(with_time, listening))


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
