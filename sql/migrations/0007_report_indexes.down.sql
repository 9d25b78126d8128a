-- why: The indexes of 0007, without blocking anybody.
-- transaction: no

DROP INDEX CONCURRENTLY IF EXISTS idx_messages_timestamp;
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_conversation;
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_content_search;
