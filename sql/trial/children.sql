-- Tables that inherit from the business's table: its indexes and constraints do not hold for them.
SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = to_regclass('whatsapp_messages') ORDER BY 1
