"""The usual worker, for comparison: claim, send, retry on any exception, the status by WhatsApp's id only.

A table is its queue, with a visibility timeout. `naive.py DATABASE_URL API_URL NUMBER RATE`, until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import httpx
import psycopg2
from httpx_aiohttp import AiohttpTransport

SCHEMA = """
CREATE TABLE IF NOT EXISTS naive_queue (
    reference UUID PRIMARY KEY, phone TEXT NOT NULL, body TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL DEFAULT 'waiting', visible_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp())
"""
CLAIM = """
UPDATE naive_queue SET visible_at = clock_timestamp() + interval '4 seconds', tries = tries + 1
 WHERE reference IN (SELECT reference FROM naive_queue WHERE state = 'waiting' AND visible_at <= clock_timestamp()
                      LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING reference::text, phone, body, tries
"""
STORE = """
INSERT INTO whatsapp_messages (message_id, from_phone, to_phone, message_type, content, direction, status, reference)
VALUES (%s, 'business', %s, 'text', %s, 'outgoing', 'sent', %s)
"""
BATCH, MOST_TRIES, TIMEOUT = 20, 8, 1.5


class NaiveWorker:
    def __init__(self, database: str, api: str, number: str, rate: float) -> None:
        self.url = f"{api}/v25.0/{number}/messages"
        self.database = database
        self.pause = BATCH / rate
        self.connection: Any = None

    def query(self, statement: str, *values: Any) -> list[Any]:
        """Run one statement, commit it and return its rows. Connect again if the connection is lost."""
        while True:
            try:
                if self.connection is None:
                    self.connection = psycopg2.connect(self.database)
                    self.connection.autocommit = True
                with self.connection.cursor() as cursor:
                    cursor.execute(statement, values)
                    return list(cursor.fetchall()) if cursor.description else []
            except (psycopg2.DatabaseError, psycopg2.InterfaceError):
                self.connection = None
                time.sleep(0.2)

    async def run(self) -> None:
        async with httpx.AsyncClient(
            transport=AiohttpTransport(), timeout=TIMEOUT, headers={"Authorization": "Bearer token"}
        ) as client:
            while True:
                began = time.monotonic()
                claimed = await asyncio.to_thread(self.query, CLAIM, BATCH)
                await asyncio.gather(*(self.send(client, *row) for row in claimed))
                await asyncio.sleep(max(0.01, self.pause - (time.monotonic() - began)))

    async def send(self, client: httpx.AsyncClient, reference: str, phone: str, body: str, tries: int) -> None:
        message = {"messaging_product": "whatsapp", "to": phone, "type": "text", "text": {"body": body}}
        # Only `judge.py` reads this echo, the worker does not use it.
        message["biz_opaque_callback_data"] = f"naive:{reference}:{tries}"
        try:
            response = await client.post(self.url, json=message)
            response.raise_for_status()
            wamid = response.json()["messages"][0]["id"]
        except Exception:  # the usual worker retries on any error
            state = "failed" if tries >= MOST_TRIES else "waiting"
            self.query("UPDATE naive_queue SET state = %s WHERE reference = %s", state, reference)
            return
        self.query(STORE, wamid, phone, body, reference)
        self.query("UPDATE naive_queue SET state = 'sent' WHERE reference = %s", reference)


if __name__ == "__main__":
    database, api, number, rate = sys.argv[1:]
    asyncio.run(NaiveWorker(database, api, number, float(rate)).run())
