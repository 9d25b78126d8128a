-- why: A group's messages are a conversation of their own: the index of conversations has to tell them from private ones.
-- transaction: no
-- lock: SHARE UPDATE EXCLUSIVE, as long as the index takes; readers and writers go on
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

-- step: index by conversation, groups too
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_conversation_key
    ON whatsapp_messages (wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id), timestamp);

-- step: look at the table's values anew
-- lock: SHARE UPDATE EXCLUSIVE, some seconds; readers and writers go on
ANALYZE whatsapp_messages;

-- step: drop the index that did not know groups
-- formerly: (wa.customer_key(direction, from_phone, to_phone, customer_user_id), timestamp)
-- lock: SHARE UPDATE EXCLUSIVE, until the transactions that may use the index have ended; readers and writers go on
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_conversation;
