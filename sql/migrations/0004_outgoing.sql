-- why: The columns of outgoing rows: delivery and read times, sender, failure, customer.
-- transaction: yes
-- step: add the columns of outgoing rows
-- lock: ACCESS EXCLUSIVE, an instant: the values of existing rows are in the catalogue
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: prefer-bigint-over-int: counts of tries, codes, sizes below 2 GB
-- squawk-ignore-file prefer-bigint-over-int
-- squawk: prefer-text-field, prefer-timestamp-tz: the business's table is as it is found
-- squawk-ignore-file prefer-text-field, prefer-timestamp-tz

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
