-- why: Indexes by time, conversation and word: the cost of a report then depends on its time range, not on the table.
-- transaction: no
-- replaces: 62c78e372a8f7739ecc14339b4a0dc8ca5f4110737bfce5e500a93bd5f36a9a1
-- lock: SHARE UPDATE EXCLUSIVE, as long as the index takes; readers and writers go on
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

-- step: index by time
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_timestamp ON whatsapp_messages (timestamp);

-- step: leave the index by conversation to 0012, which includes groups
-- lock: none on the business's table
SELECT 1;

-- Each row adds its words to the index at once. With a pending list, one writer would add those of thousands of rows.
-- The words of a whole text may need more than the 1 MB that a tsvector holds; such a row could not be written. 50,000
-- characters need half of it at most.
-- step: index words
-- formerly: USING gin (to_tsvector('simple', coalesce(content, ''))) WITH (fastupdate = off)
-- formerly: USING gin (to_tsvector('simple', coalesce(content, '')))
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_content_search
    ON whatsapp_messages USING gin (to_tsvector('simple', left(coalesce(content, ''), 50000))) WITH (fastupdate = off);

-- An index of an expression has statistics of its own.
-- step: analyze the table again
-- lock: SHARE UPDATE EXCLUSIVE, some seconds; readers and writers go on
ANALYZE whatsapp_messages;
