-- The server, and the settings that durability depends on.
SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::integer / 10000 AS major,
       pg_is_in_recovery() AS is_standby,
       current_setting('server_encoding') AS encoding,
       current_setting('fsync') = 'on' AS fsync,
       current_setting('full_page_writes') = 'on' AS full_page_writes,
       current_setting('synchronous_commit') <> 'off' AS synchronous_commit,
       current_setting('autovacuum') = 'on' AS autovacuum,
       current_setting('max_connections')::integer AS max_connections,
       (SELECT sum(numbackends) FROM pg_stat_database)::integer AS connections,
       (SELECT extract(epoch FROM max(clock_timestamp() - xact_start))::float8
          FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) AS oldest_seconds
