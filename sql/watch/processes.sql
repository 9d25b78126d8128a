-- These processes, the oldest transaction first.
SELECT pid, usename, application_name, state, left(query, 60) AS query,
       extract(epoch FROM clock_timestamp() - xact_start)::float8 AS open_seconds
  FROM pg_stat_activity
 WHERE pid = ANY(:pids)
 ORDER BY xact_start NULLS LAST
 LIMIT 3
