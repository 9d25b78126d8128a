-- why: The business's own table. Where it exists it is adopted as it is; a new installation gets it as others find it.
-- transaction: yes

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
