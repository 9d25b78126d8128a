-- The database to migrate. `needed` are columns that the business's table must have. `path` is a search_path that
-- contains a table elsewhere.
SELECT current_setting('server_version_num')::integer / 10000 AS version,
       pg_is_in_recovery() AS is_standby,
       current_setting('server_encoding') AS encoding,
       current_user AS username,
       current_database() AS database,
       elsewhere.tables AS elsewhere,
       format('ALTER ROLE %I SET search_path = %s, %s;', current_user, quote_ident(elsewhere.schema),
              current_setting('search_path')) AS path,
       (SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = found.oid AND attname = 'id') AS id_type,
       (SELECT format_type(atttypid, NULL) FROM pg_attribute
         WHERE attrelid = found.oid AND attname = 'timestamp' AND NOT attisdropped) AS time_type,
       (SELECT format_type(atttypid, NULL) FROM pg_attribute
         WHERE attrelid = found.oid AND attname = 'direction' AND NOT attisdropped) AS direction_type,
       ARRAY(SELECT attname || ' has the type ' || format_type(atttypid, NULL) || ' instead of ' || wanted.types[1]
               FROM (VALUES ('content', ARRAY['text', 'character varying']),
                            ('reference', ARRAY['uuid']), ('employee_id', ARRAY['uuid']),
                            ('delivered_at', ARRAY['timestamp without time zone', 'timestamp with time zone']),
                            ('read_at', ARRAY['timestamp without time zone', 'timestamp with time zone'])) AS wanted (name, types)
               JOIN pg_attribute ON attrelid = found.oid AND attname = wanted.name AND NOT attisdropped
              WHERE format_type((SELECT CASE typtype WHEN 'd' THEN typbasetype ELSE pg_type.oid END
                                   FROM pg_type WHERE pg_type.oid = atttypid), NULL) <> ALL (wanted.types)
              ORDER BY attname) AS wrong_types,
       EXISTS (SELECT FROM pg_class AS outbox JOIN pg_namespace ON pg_namespace.oid = outbox.relnamespace
                WHERE nspname = 'wa' AND relname = 'outbox'
                  AND NOT EXISTS (SELECT FROM pg_attribute
                                   WHERE attrelid = outbox.oid AND attname = 'reference' AND NOT attisdropped))
       AS is_schema_of_others,
       found.relkind::text AS kind,
       ARRAY(SELECT name FROM unnest(CAST(:needed AS text[])) WITH ORDINALITY AS wanted (name, place)
              WHERE NOT EXISTS (SELECT FROM pg_attribute
                                 WHERE attrelid = found.oid AND attname = name AND NOT attisdropped)
              ORDER BY place) AS missing,
       EXISTS (SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
                WHERE indrelid = found.oid AND indisunique AND indisvalid AND indimmediate AND indnkeyatts = 1 AND indpred IS NULL
                  AND attname = 'message_id') AS is_unique
  FROM (VALUES (to_regclass('whatsapp_messages'))) AS wanted (oid)
  LEFT JOIN pg_class AS found ON found.oid = wanted.oid
 CROSS JOIN LATERAL (
       SELECT array_agg(pg_class.oid::regclass::text ORDER BY nspname) AS tables, min(nspname) AS schema
         FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE relname = 'whatsapp_messages' AND relkind IN ('r', 'p', 'v', 'm', 'f') AND found.oid IS NULL) AS elsewhere
