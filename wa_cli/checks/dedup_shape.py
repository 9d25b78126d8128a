"""The shape of the DynamoDB table of the deduplication cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from wa_cli.errors import QueueError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class TableShape:
    """The key and the expiry of a DynamoDB table.

    `key` is like `id (S)`. `ttl_attribute` is None if the table deletes nothing.
    """

    name: str
    key: str
    ttl_attribute: str | None


def read_shape(client: DynamoDBClient, table: str) -> TableShape:
    """Return the shape of the table. Raises QueueError if it cannot be described."""
    try:
        found = client.describe_table(TableName=table)["Table"]
        ttl = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    except (BotoCoreError, ClientError) as error:
        raise QueueError(
            f"Cannot describe the deduplication table {table}: {error}.",
            hint="Allow dynamodb:DescribeTable and dynamodb:DescribeTimeToLive for wa doctor.",
        ) from error
    kinds = {part["AttributeName"]: part["AttributeType"] for part in found["AttributeDefinitions"]}
    names = [part["AttributeName"] for part in found["KeySchema"]]
    is_on = ttl.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    key = ", ".join(f"{name} ({kinds.get(name, '?')})" for name in names)
    return TableShape(table, key, ttl.get("AttributeName") if is_on else None)
