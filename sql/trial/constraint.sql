-- What the constraint of this name says, of the table where it is one's own and else of a domain.
SELECT pg_get_constraintdef(oid) FROM pg_constraint
 WHERE conname = :constraint
 ORDER BY conrelid = to_regclass('whatsapp_messages') DESC
 LIMIT 1
