-- True if the constraint of the business's table holds for every row. Without the constraint there is no row.
SELECT convalidated AS is_valid
  FROM pg_constraint
 WHERE conrelid = to_regclass('whatsapp_messages') AND conname = :constraint
