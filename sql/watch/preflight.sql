-- What there is to migrate, and whether we may. `needed`: columns that the business's table must have.
SELECT current_setting('server_version_num')::integer / 10000 AS version,
       pg_is_in_recovery() AS is_standby,
       current_user AS username,
       current_database() AS database,
       has_database_privilege(current_database(), 'CREATE') OR to_regnamespace('wa') IS NOT NULL AS may_create,
       ARRAY(SELECT oid::regclass::text FROM pg_class
              WHERE relname = 'whatsapp_messages' AND relkind IN ('r', 'p', 'v', 'm', 'f') AND found.oid IS NULL) AS elsewhere,
       found.relnamespace::regnamespace::text AS schema,
       has_schema_privilege(found.relnamespace, 'CREATE') AS may_index,
       (SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = found.oid AND attname = 'id') AS id_type,
       (SELECT format_type(atttypid, NULL) FROM pg_attribute
         WHERE attrelid = found.oid AND attname = 'direction' AND NOT attisdropped) AS direction_type,
       found.relkind::text AS kind,
       pg_get_userbyid(found.relowner) AS owner,
       pg_has_role(found.relowner, 'USAGE') AS is_owner,
       ARRAY(SELECT name FROM unnest(CAST(:needed AS text[])) WITH ORDINALITY AS wanted (name, place)
              WHERE NOT EXISTS (SELECT FROM pg_attribute
                                 WHERE attrelid = found.oid AND attname = name AND NOT attisdropped)
              ORDER BY place) AS missing,
       EXISTS (SELECT FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]
                WHERE indrelid = found.oid AND indisunique AND indisvalid AND indimmediate AND indnkeyatts = 1 AND indpred IS NULL
                  AND attname = 'message_id') AS is_unique
  FROM (VALUES (to_regclass('whatsapp_messages'))) AS wanted (oid)
  LEFT JOIN pg_class AS found ON found.oid = wanted.oid
