-- The width of each VARCHAR column of the business's table, since a column that a view uses may be narrow.
SELECT attname AS name, atttypmod - 4 AS width
  FROM pg_attribute
 WHERE attrelid = to_regclass('whatsapp_messages') AND atttypid = 'varchar'::regtype AND atttypmod > 4 AND NOT attisdropped
