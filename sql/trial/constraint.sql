-- The definition of the constraint of this name, of the table or of a domain.
SELECT pg_get_constraintdef(oid) FROM pg_constraint
 WHERE conname = :constraint
 ORDER BY conrelid = to_regclass('whatsapp_messages') DESC
 LIMIT 1
