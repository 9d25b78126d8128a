-- why: The indexes of 0006, without blocking anybody.
-- transaction: no

DROP INDEX CONCURRENTLY IF EXISTS idx_messages_read;
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_template;
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_employee;
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_reference;
