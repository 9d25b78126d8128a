-- why: Drop the indexes of 0007, without blocking readers and writers.
-- transaction: no
-- lock: SHARE UPDATE EXCLUSIVE, until the transactions that may use the index have ended; readers and writers go on
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

-- step: drop idx_messages_timestamp
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_timestamp;

-- step: drop idx_messages_conversation
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_conversation;

-- step: drop idx_messages_content_search
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_content_search;
