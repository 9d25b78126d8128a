-- Write a heartbeat. Return the worker's share of the number's rate, or 0 while the number may not send. Heartbeats
-- of dead workers are deleted after a day. :idle is the time since its last progress.
WITH alive AS (
    INSERT INTO wa.worker_heartbeats AS known (worker, kind, number, host, pid, version, progress_at)
    VALUES (:worker, :kind, :number, :host, :pid, :version, clock_timestamp() - CAST(:idle AS interval))
    ON CONFLICT (worker) DO UPDATE
       SET seen_at = clock_timestamp(), version = excluded.version,
           progress_at = coalesce(excluded.progress_at, known.progress_at)
), gone AS (
    DELETE FROM wa.worker_heartbeats WHERE seen_at < clock_timestamp() - interval '1 day'
)
SELECT CASE WHEN paused_until = 'infinity' OR blocked_at IS NOT NULL THEN 0 ELSE rate END
       / (1 + (SELECT count(*) FROM wa.worker_heartbeats AS other
                WHERE other.kind = 'outgoing' AND other.number = :number AND other.worker <> :worker
                  AND other.seen_at > clock_timestamp() - interval '30 seconds')) AS share
  FROM wa.rate_limits
 WHERE number = :number AND :kind = 'outgoing'
