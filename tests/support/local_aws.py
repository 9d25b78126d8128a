"""A local AWS for the tests: ministack in a separate process.

`python -m tests.support.local_aws PORT` runs that process. A test makes its messages older instead of moving the clock.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import httpx
from botocore.config import Config

from tests.support.waiting import free_port, until

ROOT = Path(__file__).parents[2]
ENVIRON = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


class LocalAws:
    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self.pid = pid
        self._clients: list[Any] = []
        self.sqs = self.client("sqs")

    def client(self, service: str) -> Any:
        session: Any = boto3.session.Session()
        client = session.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(max_pool_connections=20, s3={"addressing_style": "path"}),
        )
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def queue(self, *, fifo: bool = False, **attributes: str) -> str:
        """Create a queue and return its URL."""
        name = f"test-{uuid4().hex[:12]}" + (".fifo" if fifo else "")
        if fifo:
            attributes["FifoQueue"] = "true"
        return str(self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])

    def answers(self) -> bool:
        with suppress(httpx.TransportError):
            self.pass_time(timedelta(0))
            return True
        return False

    def pass_time(self, span: timedelta) -> None:
        httpx.get(f"{self.url}/_pass_time?{span.total_seconds()}", timeout=5).raise_for_status()


@contextmanager
def local_aws() -> Iterator[LocalAws]:
    port = free_port()
    environ = {**os.environ, "LOG_LEVEL": "ERROR", "GATEWAY_PORT": str(port), "MINISTACK_HOST": "127.0.0.1"}
    server = subprocess.Popen([sys.executable, "-m", "tests.support.local_aws", str(port)], env=environ, cwd=ROOT)
    aws = LocalAws(f"http://127.0.0.1:{port}", server.pid)
    try:
        until(aws.answers, "ministack")
        yield aws
    finally:
        aws.close()
        server.terminate()
        server.wait(timeout=10)


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
