-- Write a heartbeat. Return the state of the number, and the worker's share of its rate, which is 0 while it may not
-- send. Heartbeats of dead workers are deleted after a day. :idle is the time since its last progress, :rate is in
-- messages a second.
WITH alive AS (
    INSERT INTO wa.worker_heartbeats AS known (worker, kind, number, host, pid, version, progress_at, rate)
    VALUES (:worker, :kind, :number, :host, :pid, :version, clock_timestamp() - CAST(:idle AS interval), :rate)
    ON CONFLICT (worker) DO UPDATE
       SET seen_at = clock_timestamp(), version = excluded.version, rate = excluded.rate,
           progress_at = coalesce(excluded.progress_at, known.progress_at)
), gone AS (
    DELETE FROM wa.worker_heartbeats WHERE seen_at < clock_timestamp() - interval '1 day'
)
SELECT CASE WHEN paused_until = 'infinity' THEN 'paused' WHEN blocked_at IS NOT NULL THEN 'blocked' ELSE 'open' END AS state,
       blocked_why AS reason,
       CASE WHEN paused_until = 'infinity' OR blocked_at IS NOT NULL THEN 0 ELSE rate END
       / (1 + (SELECT count(*) FROM wa.worker_heartbeats AS other
                WHERE other.kind = 'outgoing' AND other.number = :number AND other.worker <> :worker
                  AND other.seen_at > clock_timestamp() - interval '30 seconds')) AS share
  FROM wa.rate_limits
 WHERE number = :number AND :kind = 'outgoing'
