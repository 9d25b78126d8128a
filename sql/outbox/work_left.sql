-- Counts of unfinished messages, and of those that wait for more than a worker.
SELECT count(*) FILTER (WHERE state = 'sending')                     AS sending,
       count(*) FILTER (WHERE is_open AND is_due)                    AS due,
       count(*) FILTER (WHERE is_open AND NOT is_due)                AS waiting,
       count(*) FILTER (WHERE state = 'queued' AND is_paused)        AS paused,
       count(*) FILTER (WHERE state = 'queued' AND NOT is_paused AND scheduled AND NOT is_due) AS scheduled,
       count(*) FILTER (WHERE state = 'uncertain')                   AS uncertain,
       count(*) FILTER (WHERE state = 'held')                        AS held
  FROM (SELECT state, scheduled, is_paused,
               turn AND due_at <= clock_timestamp() + interval '1 minute' AS is_due,
               state = 'queued' AND NOT is_paused
               AND (NOT scheduled OR due_at <= clock_timestamp() + interval '1 minute') AS is_open
          FROM wa.outbox
         CROSS JOIN (SELECT EXISTS (SELECT FROM wa.rate_limits  -- a blocked number whose probe is due is not paused
                                     WHERE number = :number
                                       AND paused_until > clock_timestamp()
                                           + CASE WHEN blocked_at IS NULL THEN interval '1 minute' ELSE interval '0' END
                                   ) AS is_paused) AS pause
         WHERE number = :number AND state IN ('queued', 'sending', 'uncertain', 'held')) AS unfinished
