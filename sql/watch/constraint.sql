-- True if the constraint of the business's table holds for every row. No row if there is no such constraint.
SELECT convalidated AS is_valid
  FROM pg_constraint
 WHERE conrelid = to_regclass('whatsapp_messages') AND conname = :constraint
