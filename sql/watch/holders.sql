-- Who holds a lock on the business's table, but for us.
SELECT DISTINCT pid
  FROM pg_locks
 WHERE relation = to_regclass('whatsapp_messages') AND granted AND pid <> pg_backend_pid()
