-- title:   Storage
-- place:   5
-- about:   Stored share of the sent messages by hour or day, and storage failures.
-- define:  Sent: messages that the API accepted in that time. Stored: those of them that have a row now.
-- define:  Failures: sent messages of that time whose row could not be stored at once: the database was unavailable or
-- define:  refused the row, or the worker ended first. They count also after the row was stored from the spool.
-- define:  Partial: the hour or day begins before the range, or ends after it.
-- include: buckets
-- include: accepted
-- by:      hour day
-- param:   since   24h
-- bars:    sent
-- threshold: share below
-- details: storage-failures
-- beside:  spool
-- quiet:   partial
-- column:  at        period   Start
-- column:  sent      integer  Sent
-- column:  stored    integer  Stored
-- column:  share     percent  Stored share
-- column:  failures  integer  Failures
-- column:  partial   text     Partial

, failure AS (
    SELECT CASE WHEN :by = 'day' THEN date_trunc('day', answered_at AT TIME ZONE :tz) AT TIME ZONE :tz
                ELSE wa.hour_start(answered_at, :tz) END AS start
      FROM wa.storage_failures
     WHERE answered_at >= CAST(:since AS timestamp) AT TIME ZONE 'UTC' AND answered_at < CAST(:until AS timestamp) AT TIME ZONE 'UTC'
)
SELECT bucket.start AS at, coalesce(of_time.sent, 0) AS sent, coalesce(of_time.stored, 0) AS stored,
       of_time.stored::float8 / of_time.sent AS share, coalesce(failed.failures, 0) AS failures, bucket.partial
  FROM bucket
  LEFT JOIN (SELECT start, count(*) AS sent, count(*) FILTER (WHERE is_stored) AS stored
               FROM accepted GROUP BY start) AS of_time USING (start)
  LEFT JOIN (SELECT start, count(*) AS failures FROM failure GROUP BY start) AS failed USING (start)
 ORDER BY bucket.start
