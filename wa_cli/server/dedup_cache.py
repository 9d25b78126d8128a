"""The deduplication cache: a DynamoDB table of enqueued webhook bodies, so that a repetition does not burden the queue.

It is only a cache. An entry is written after the body was enqueued, and if the table does not answer the queue gets
the body again, which is harmless. The key of the table is `id` (a string). Its TTL attribute is `expires_at`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from wa_cli import aws
from wa_cli.batches import batches
from wa_cli.telemetry import events
from wa_cli.telemetry.events import Component, Emit

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# Meta repeats a webhook for seven days.
KEPT = timedelta(days=8)
# Keys in one BatchGetItem (AWS, DynamoDB limits). Only PutItem can be conditional.
READ_AT_ONCE, PARALLEL = 100, 8
# The pause after a failure. The cache is there to save time.
REST = 30.0
TROUBLE = (BotoCoreError, ClientError)


def connect() -> DynamoDBClient:
    """Return a client from the AWS_* variables with short time-outs, since a slow cache is useless."""
    return aws.client(  # type: ignore[no-any-return]
        "dynamodb",
        default_region="us-east-1",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=1,
            read_timeout=1,
            max_pool_connections=PARALLEL * 2,
        ),
    )


class DedupCache:
    """A cache of enqueued webhook bodies. Threads may share it. An unavailable table raises no error.

    `scope` separates installations that share the table.
    """

    def __init__(self, table: str, client: DynamoDBClient, emit: Emit, *, scope: str = "") -> None:
        self.table = table
        self.scope = scope
        self._client = client
        self._emit = emit
        # Webhooks wait for lookups and not for writes, so lookups must not queue behind writes.
        self._finding = ThreadPoolExecutor(PARALLEL, thread_name_prefix="looking")
        self._marking = ThreadPoolExecutor(PARALLEL, thread_name_prefix="marking")
        self._lock = threading.Lock()
        self._resting_until = float("-inf")

    def seen(self, digests: Sequence[str]) -> set[str]:
        """Return those of these bodies that were enqueued before, or none if the table does not answer."""
        if self._rests():
            return set()
        wanted = list(dict.fromkeys(digests))
        try:
            found = self._finding.map(self._find, batches(wanted, READ_AT_ONCE))
            return {digest for digests_found in found for digest in digests_found}
        except TROUBLE as error:
            self._rest(error)
            return set()

    def remember(self, digests: Sequence[str]) -> None:
        """Store that these bodies were enqueued."""
        if self._rests():
            return
        try:
            list(self._marking.map(self._put, dict.fromkeys(digests)))
        except TROUBLE as error:
            self._rest(error)

    def _find(self, digests: Sequence[str]) -> list[str]:
        asked: Any = {self.table: {"Keys": [self._key(digest) for digest in digests], "ProjectionExpression": "id"}}
        found = self._client.batch_get_item(RequestItems=asked)["Responses"].get(self.table, [])
        return [item["id"]["S"].removeprefix(self.scope) for item in found]

    def _key(self, digest: str) -> Any:
        return {"id": {"S": self.scope + digest}}

    def _put(self, digest: str) -> None:
        expires_at = int(time.time() + KEPT.total_seconds())
        try:
            self._client.put_item(
                TableName=self.table,
                Item={**self._key(digest), "expires_at": {"N": str(expires_at)}},
                ConditionExpression="attribute_not_exists(id)",
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
                raise

    def _rests(self) -> bool:
        return time.monotonic() < self._resting_until

    def _rest(self, error: Exception) -> None:
        with self._lock:
            if not self._rests():
                self._resting_until = time.monotonic() + REST
                self._emit(events.Unavailable(Component.DEDUP_CACHE, f"table {self.table}: {error}"))
