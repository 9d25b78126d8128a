"""Times of every report on a small and on a ten times larger table, compared with textbook queries.

The newest rows are the same in both, so the cost of a report should not grow. Half of the customers write all the time,
the other half only in one period of ninety days. Each report runs several times with a warm cache, and the median
counts.

Does not prove: anything about a cold disk, about other load on the server, or about businesses whose messages are spread
over time or customers very differently.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from tests.support.postgres_versions import sql
from wa_cli.database.embedded import EmbeddedServer
from wa_cli.database.engine import Database
from wa_cli.migrations import catalogue as migrations
from wa_cli.migrations.runner import Migrator
from wa_cli.reports import ranges, runner
from wa_cli.reports.catalogue import reports

A_DAY = 11_000  # messages: a million are ninety days, the longest range; ten million are two and a half years
ERA, CUSTOMERS = 1_000_000, 20_000  # messages of one period, and its customers
BATCH = 500_000
TIMES = 5
FILL = """
INSERT INTO whatsapp_messages (message_id, from_phone, to_phone, message_type, content, status, timestamp, direction,
                               delivered_at, read_at, employee_id, failure_reason)
SELECT 'wamid.' || n, CASE WHEN ours THEN '+15550100000' ELSE phone END, CASE WHEN ours THEN phone ELSE '+15550100000' END,
       (ARRAY['text', 'text', 'text', 'image', 'document'])[1 + n % 5], 'message ' || n || ' about order ' || n % 977,
       CASE WHEN NOT ours THEN 'received' WHEN n % 50 = 0 THEN 'failed' WHEN n % 3 = 0 THEN 'read' ELSE 'delivered' END, at,
       CASE WHEN ours THEN 'outgoing' ELSE 'incoming' END,
       CASE WHEN ours AND n % 50 > 0 THEN at + interval '3 seconds' END,
       CASE WHEN ours AND n % 50 > 0 AND n % 3 = 0 THEN at + interval '5 minutes' END,
       CASE WHEN ours THEN md5((n % 20)::text)::uuid END,
       CASE WHEN ours AND n % 50 = 0 THEN 'Message undeliverable (#131026)' END
  FROM (SELECT n, hashint4(n) % 100 < 45 AND hashint4(n) > 0 AS ours,
               '+4915' || lpad((abs(hashint4(n / 40)) % :customers
                                + CASE WHEN hashint4(n / 40) % 2 = 0 THEN 0 ELSE n / :era * :customers END)::text, 8, '0')
                   AS phone,
               (now() AT TIME ZONE 'UTC') - n * interval '86400 seconds' / :a_day AS at
          FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n) AS made
"""
TEXTBOOK = {
    "unanswered": """
        SELECT count(*) FROM (
            SELECT *, row_number() OVER (PARTITION BY coalesce(CASE WHEN direction = 'incoming' THEN from_phone END, to_phone)
                                         ORDER BY timestamp DESC) AS place
              FROM whatsapp_messages) AS newest
         WHERE place = 1 AND direction = 'incoming' AND timestamp >= now() - interval '48 hours'""",
    "response-times": """
        SELECT avg(next - timestamp) FROM (
            SELECT direction, timestamp,
                   lead(timestamp) OVER (PARTITION BY CASE WHEN direction = 'incoming' THEN from_phone ELSE to_phone END
                                         ORDER BY timestamp) AS next
              FROM whatsapp_messages) AS followed
         WHERE direction = 'incoming' AND timestamp >= now() - interval '30 days'""",
    "heatmap": """
        SELECT extract(dow FROM timestamp), extract(hour FROM timestamp), count(*) FROM whatsapp_messages
         WHERE date(timestamp) >= current_date - 30 GROUP BY 1, 2""",
}


def fill(server: EmbeddedServer, name: str, rows: int) -> Database:
    """Create a database with `rows` messages up to the present. Its indexes are built afterwards."""
    server.ensure(name)
    database = Database(server.url(name), statement_timeout=timedelta(hours=1))
    Migrator(database).apply(migrations.find("5"))
    for first in range(1, rows + 1, BATCH):
        values = {"customers": CUSTOMERS, "era": ERA, "a_day": A_DAY}
        sql(database, FILL, first=first, last=min(rows, first + BATCH - 1), **values)
    Migrator(database).apply()
    with database.autocommit() as connection:
        connection.exec_driver_sql("VACUUM ANALYZE whatsapp_messages")
    return database


def median_time(work: Callable[[], object], times: int = TIMES) -> float:
    """Return the median milliseconds of several calls."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)


def report_times(database: Database) -> dict[str, float]:
    found = {}
    for report in reports():
        span = ranges.range_of(report, since=None, until=None, zone="Europe/Berlin")

        def run_query(report=report, span=span) -> object:  # type: ignore[no-untyped-def]
            return runner.run(database, report, span, timeout=timedelta(minutes=10))

        found[report.name] = median_time(run_query)
    return found


def textbook_times(database: Database) -> dict[str, float]:
    def run_query(query: str) -> object:
        with database.reading(timedelta(minutes=10)) as connection:
            return connection.execute(sa.text(query)).all()

    return {name: median_time(lambda query=query: run_query(query), times=1) for name, query in TEXTBOOK.items()}  # type: ignore[misc]


def run(server: EmbeddedServer, sizes: list[int]) -> None:
    times = {}
    for rows in sizes:
        database = fill(server, f"rows_{rows}", rows)
        times[rows] = report_times(database)
        if rows == max(sizes):
            textbook = textbook_times(database)
        database.close()
    small, large = min(sizes), max(sizes)
    print(f"{'report':<16}{f'rows {small:,}':>17}{f'rows {large:,}':>18}   ratio   textbook")
    for name in times[large]:
        few, many = times[small][name], times[large][name]
        beside = f"{textbook[name]:>8,.0f} ms, {textbook[name] / many:.1f} times" if name in textbook else ""
        print(f"{name:<16}{few:>14,.0f} ms{many:>15,.0f} ms{many / few:>8.2f}   {beside}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="wa-reports-") as home:
        server = EmbeddedServer(Path(home))
        try:
            run(server, asked.rows)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
