-- Each business number with its unfinished messages, the oldest one, its state, and the number of its workers. `due`
-- counts the messages that need a worker now: those to send, those of a worker that died, and uncertain ones.
SELECT coalesce(limits.number, waiting.number) AS number, coalesce(waiting.due, 0) AS due,
       coalesce(waiting.unfinished, 0) AS unfinished, coalesce(waiting.oldest_seconds, 0) AS oldest_seconds,
       CASE WHEN limits.paused_until = 'infinity' THEN 'paused' WHEN limits.blocked_at IS NOT NULL THEN 'blocked'
            ELSE 'open' END AS state,
       limits.blocked_why,
       (SELECT count(*) FROM wa.worker_heartbeats AS worker
         WHERE worker.kind = 'outgoing' AND worker.number = coalesce(limits.number, waiting.number)
           AND worker.seen_at > clock_timestamp() - interval '30 seconds') AS workers
  FROM wa.rate_limits AS limits
  FULL JOIN (SELECT number, count(*) AS unfinished,
                    count(*) FILTER (WHERE needs_worker_since IS NOT NULL OR state = 'uncertain') AS due,
                    coalesce(extract(epoch FROM clock_timestamp() - min(needs_worker_since)), 0)::float AS oldest_seconds
               FROM (SELECT number, state,
                            CASE WHEN state = 'queued' AND due_at <= clock_timestamp() THEN greatest(queued_at, due_at)
                                 WHEN state = 'sending' AND lease_until < clock_timestamp() THEN lease_until END
                                AS needs_worker_since
                       FROM wa.outbox
                      WHERE state IN ('queued', 'sending', 'uncertain')) AS message
              GROUP BY number) AS waiting ON waiting.number = limits.number
 ORDER BY 1
