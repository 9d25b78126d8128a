-- Tables that inherit from the business's table. Its indexes and constraints do not apply to them.
SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass('whatsapp_messages') ORDER BY 1
