-- Prepared transactions that were never ended. They hold their locks without a process.
SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared LIMIT 3
