-- Indexes with an expression or a condition that use this column of the business's table, and constraints
-- (`is_index` is false).
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition, TRUE AS is_index
  FROM pg_index
  JOIN pg_depend ON objid = indexrelid AND classid = 'pg_class'::regclass
  JOIN pg_attribute ON attrelid = indrelid AND attnum = refobjsubid AND refobjid = indrelid
 WHERE indrelid = to_regclass('whatsapp_messages') AND (indexprs IS NOT NULL OR indpred IS NOT NULL) AND attname = :column
 UNION
SELECT conname::text, NULL, FALSE
  FROM pg_constraint
  JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
 WHERE conrelid = to_regclass('whatsapp_messages') AND contype = 'c' AND attname = :column
