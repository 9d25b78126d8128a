-- why: The index and the constraint go; the column stays, because dropping it would lose what no other place knows.
-- transaction: no

DROP INDEX CONCURRENTLY IF EXISTS idx_messages_direction;

ALTER TABLE whatsapp_messages DROP CONSTRAINT IF EXISTS check_direction;
