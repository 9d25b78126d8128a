-- Who holds a lock on the table, but for us.
SELECT DISTINCT pid
  FROM pg_locks
 WHERE relation = to_regclass(:table) AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND granted AND pid IS DISTINCT FROM pg_backend_pid()
