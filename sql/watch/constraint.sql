-- Return if the constraint of the business's table is validated, or no row if the constraint does not exist.
SELECT convalidated AS is_valid
  FROM pg_constraint
 WHERE conrelid = to_regclass('whatsapp_messages') AND conname = :constraint
