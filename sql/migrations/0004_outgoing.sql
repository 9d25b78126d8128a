-- why: What an outgoing row needs to say: when it arrived and was read, who sent it, what failed, whose message it was.
-- transaction: yes

ALTER TABLE whatsapp_messages
    ADD COLUMN IF NOT EXISTS delivered_at     TIMESTAMP,
    ADD COLUMN IF NOT EXISTS read_at          TIMESTAMP,
    ADD COLUMN IF NOT EXISTS template_name    VARCHAR(100),
    ADD COLUMN IF NOT EXISTS template_params  JSON,
    ADD COLUMN IF NOT EXISTS retry_count      INTEGER DEFAULT 0,
    ADD COLUMN IF NOT EXISTS last_retry_at    TIMESTAMP,
    ADD COLUMN IF NOT EXISTS failure_reason   TEXT,
    ADD COLUMN IF NOT EXISTS employee_id      UUID,
    ADD COLUMN IF NOT EXISTS campaign         VARCHAR(100),
    ADD COLUMN IF NOT EXISTS reference        UUID,
    ADD COLUMN IF NOT EXISTS customer_user_id VARCHAR(150);
