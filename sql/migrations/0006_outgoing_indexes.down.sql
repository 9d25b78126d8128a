-- why: Drop the indexes of 0006, without blocking readers and writers.
-- transaction: no
-- lock: SHARE UPDATE EXCLUSIVE, until the transactions that may use the index have ended; readers and writers go on
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

-- step: drop idx_messages_read
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_read;

-- step: drop idx_messages_template
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_template;

-- step: drop idx_messages_employee
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_employee;

-- step: drop idx_messages_reference
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_reference;
