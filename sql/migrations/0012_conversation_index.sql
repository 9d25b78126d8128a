-- why: The messages of a group are a conversation of their own, which the index of conversations must separate.
-- transaction: no
-- lock: SHARE UPDATE EXCLUSIVE, as long as the index takes; readers and writers go on
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

-- step: index by conversation, with groups
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_conversation_key
    ON whatsapp_messages (wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id), timestamp);

-- step: analyze the table again
-- lock: SHARE UPDATE EXCLUSIVE, some seconds; readers and writers go on
ANALYZE whatsapp_messages;

-- step: drop the index without groups
-- formerly: (wa.customer_key(direction, from_phone, to_phone, customer_user_id), timestamp)
-- lock: SHARE UPDATE EXCLUSIVE, until the transactions that may use the index have ended; readers and writers go on
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_conversation;
