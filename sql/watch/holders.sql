-- Processes that hold a lock on the table, without this one.
SELECT DISTINCT pid
  FROM pg_locks
 WHERE relation = to_regclass(:table) AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND granted AND pid IS DISTINCT FROM pg_backend_pid()
