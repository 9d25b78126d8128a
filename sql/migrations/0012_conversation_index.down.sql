-- why: The index of 0007 in place of that of 0012.
-- transaction: no
-- lock: SHARE UPDATE EXCLUSIVE, as long as the index takes; readers and writers go on
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

-- step: index by conversation
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_conversation
    ON whatsapp_messages (wa.customer_key(direction, from_phone, to_phone, customer_user_id), timestamp);

-- step: drop idx_messages_conversation_key
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_conversation_key;
