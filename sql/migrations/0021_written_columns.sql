-- why: A table that is older than wa may lack a column that every row needs, so that the first message would be refused.
-- transaction: yes
-- step: add the columns that every row needs
-- lock: ACCESS EXCLUSIVE, an instant: existing rows get NULL, and none is rewritten
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: prefer-bigint-over-int: sizes below 2 GB
-- squawk-ignore-file prefer-bigint-over-int
-- squawk: prefer-text-field, prefer-timestamp-tz: the business's table is as it is found
-- squawk-ignore-file prefer-text-field, prefer-timestamp-tz

ALTER TABLE whatsapp_messages
    ADD COLUMN IF NOT EXISTS media_url          VARCHAR(2048),
    ADD COLUMN IF NOT EXISTS media_type         VARCHAR(150),
    ADD COLUMN IF NOT EXISTS media_size         INTEGER,
    ADD COLUMN IF NOT EXISTS context_message_id VARCHAR(128),
    ADD COLUMN IF NOT EXISTS webhook_raw_data   JSON,
    ADD COLUMN IF NOT EXISTS created_at         TIMESTAMP,
    ADD COLUMN IF NOT EXISTS updated_at         TIMESTAMP;
