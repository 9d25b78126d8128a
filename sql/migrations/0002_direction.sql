-- why: The column that tells our messages from theirs. Names are fixed: other tools look for them.
-- transaction: no
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: prefer-robust-stmts: what is added looks first whether it is there
-- squawk-ignore-file prefer-robust-stmts
-- squawk: prefer-text-field: the business's table is as it is found
-- squawk-ignore-file prefer-text-field

ALTER TABLE whatsapp_messages ADD COLUMN IF NOT EXISTS direction VARCHAR(20) DEFAULT 'incoming';

-- NOT VALID first: the existing rows are checked by the next step, which blocks nobody.
DO $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM pg_constraint WHERE conrelid = 'whatsapp_messages'::regclass AND conname = 'check_direction'
    ) THEN
        ALTER TABLE whatsapp_messages
            ADD CONSTRAINT check_direction CHECK (direction IN ('incoming', 'outgoing')) NOT VALID;
    END IF;
END $$;

ALTER TABLE whatsapp_messages VALIDATE CONSTRAINT check_direction;

CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_direction ON whatsapp_messages (direction);

COMMENT ON COLUMN whatsapp_messages.direction IS
    'incoming: a customer wrote to the business; outgoing: the business wrote to a customer';
