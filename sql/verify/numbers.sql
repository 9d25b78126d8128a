-- For each business number its unfinished messages, the oldest one, its state, and the number of its workers.
SELECT waiting.number, waiting.due, waiting.unfinished, waiting.oldest_seconds,
       CASE WHEN limits.blocked_at IS NOT NULL THEN 'blocked' WHEN limits.paused_until = 'infinity' THEN 'paused'
            ELSE 'open' END AS state,
       limits.blocked_why,
       (SELECT count(*) FROM wa.worker_heartbeats AS worker
         WHERE worker.kind = 'outgoing' AND worker.number = waiting.number
           AND worker.seen_at > clock_timestamp() - interval '30 seconds') AS workers
  FROM (SELECT number, count(*) AS unfinished,
               count(*) FILTER (WHERE state = 'queued' AND due_at <= clock_timestamp()) AS due,
               coalesce(extract(epoch FROM clock_timestamp() - min(greatest(queued_at, due_at))
                   FILTER (WHERE state = 'queued' AND due_at <= clock_timestamp())), 0)::float AS oldest_seconds
          FROM wa.outbox
         WHERE state IN ('queued', 'sending', 'uncertain')
         GROUP BY number) AS waiting
  LEFT JOIN wa.rate_limits AS limits ON limits.number = waiting.number
 ORDER BY waiting.number
