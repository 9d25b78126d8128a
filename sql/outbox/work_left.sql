-- What is unfinished, and of that what waits for something else than a worker.
SELECT count(*) FILTER (WHERE state = 'sending')                                                            AS sending,
       count(*) FILTER (WHERE state = 'queued' AND NOT scheduled AND NOT paused)                            AS queued,
       count(*) FILTER (WHERE state = 'queued' AND NOT scheduled AND paused)                                AS paused,
       count(*) FILTER (WHERE state = 'queued' AND scheduled)                                               AS scheduled,
       count(*) FILTER (WHERE state = 'uncertain')                                                          AS uncertain,
       count(*) FILTER (WHERE state = 'held')                                                               AS held
  FROM wa.outbox
  LEFT JOIN (SELECT number, blocked_at IS NOT NULL OR paused_until > clock_timestamp() + interval '5 seconds' AS paused
               FROM wa.rate_limits) AS limits USING (number)
 WHERE number = :number AND state IN ('queued', 'sending', 'uncertain', 'held')
