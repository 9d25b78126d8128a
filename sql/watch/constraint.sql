-- Whether the constraint of the business's table holds for every row; no row where there is none.
SELECT convalidated AS is_valid
  FROM pg_constraint
 WHERE conrelid = to_regclass('whatsapp_messages') AND conname = :constraint
