-- why: The business's own table. An existing one is adopted as it is, a new installation gets the usual one.
-- transaction: yes
-- step: create the table
-- lock: none on the business's table
-- squawk: prefer-bigint-over-int: counts of tries, codes, sizes below 2 GB
-- squawk-ignore-file prefer-bigint-over-int
-- squawk: prefer-text-field, prefer-timestamp-tz: the business's table is as it is found
-- squawk-ignore-file prefer-text-field, prefer-timestamp-tz

CREATE TABLE IF NOT EXISTS whatsapp_messages (
    id                 UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    message_id         VARCHAR(100) UNIQUE NOT NULL,
    from_phone         VARCHAR(20) NOT NULL,
    to_phone           VARCHAR(20),
    message_type       VARCHAR(20) NOT NULL,
    content            TEXT,
    media_url          VARCHAR(500),
    media_type         VARCHAR(50),
    media_size         INTEGER,
    status             VARCHAR(20) DEFAULT 'received',
    timestamp          TIMESTAMP DEFAULT NOW(),
    context_message_id VARCHAR(100),
    webhook_raw_data   JSON,
    created_at         TIMESTAMP DEFAULT NOW(),
    updated_at         TIMESTAMP DEFAULT NOW()
);
