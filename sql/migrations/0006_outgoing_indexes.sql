-- why: Indexes for receipts, templates, employees and references. The first three names are fixed.
-- transaction: no
-- lock: SHARE UPDATE EXCLUSIVE, as long as the index takes; readers and writers go on
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

-- step: index the read time
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_read
    ON whatsapp_messages (read_at) WHERE read_at IS NOT NULL;

-- step: index templates
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_template
    ON whatsapp_messages (template_name, timestamp) WHERE template_name IS NOT NULL;

-- step: index employees
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_employee
    ON whatsapp_messages (employee_id, timestamp) WHERE employee_id IS NOT NULL;

-- step: index references
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_reference
    ON whatsapp_messages (reference) WHERE reference IS NOT NULL;
