-- The columns of the business's table with their types.
SELECT attname::text AS name, format_type(atttypid, atttypmod) AS type, typtype = 'e' AS is_enum
  FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid
 WHERE attrelid = to_regclass('whatsapp_messages') AND attnum > 0 AND NOT attisdropped
