-- Every worker with a heartbeat of the last day, fresh ones first. A silent one was killed, or its database is unavailable.
SELECT worker.kind, worker.number, worker.host, worker.pid, worker.version, worker.started_at, worker.rate, worker.progress_at,
       worker.seen_at,
       CASE WHEN worker.seen_at < clock_timestamp() - interval '30 seconds' THEN 'silent'
            WHEN worker.kind = 'outgoing' AND limits.paused_until = 'infinity' THEN 'paused'
            WHEN worker.kind = 'outgoing' AND limits.blocked_at IS NOT NULL THEN 'blocked'
            WHEN worker.progress_at > worker.seen_at - interval '10 seconds'
            THEN CASE worker.kind WHEN 'outgoing' THEN 'sending' ELSE 'storing' END
            ELSE 'idle' END AS state
  FROM wa.worker_heartbeats AS worker
  LEFT JOIN wa.rate_limits AS limits ON limits.number = worker.number
 ORDER BY worker.seen_at < clock_timestamp() - interval '30 seconds', worker.kind DESC, worker.host, worker.started_at
