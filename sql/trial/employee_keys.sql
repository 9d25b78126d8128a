-- Foreign keys of the business on employee_id.
SELECT conname::text FROM pg_constraint
  JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY (conkey)
 WHERE conrelid = to_regclass('whatsapp_messages') AND contype = 'f' AND attname = 'employee_id'
 ORDER BY conname
