-- The statements on whatsapp_messages that took the most time in all, from the extension pg_stat_statements.
SELECT queryid::text AS id, calls, mean_exec_time AS mean_ms, total_exec_time AS total_ms,
       left(regexp_replace(query, '\s+', ' ', 'g'), 200) AS statement
  FROM pg_stat_statements
 WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND query ILIKE '%whatsapp\_messages%'
 ORDER BY total_exec_time DESC
 LIMIT 5
