-- why: The storage report counts each failure when it happens, also after the row was stored from the spool.
-- transaction: yes
-- step: create the table of storage failures
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: prefer-bigint-over-int: counts of tries
-- squawk-ignore-file prefer-bigint-over-int
-- squawk: require-concurrent-index-creation: of a table that this transaction makes
-- squawk-ignore-file require-concurrent-index-creation

-- Attempts that the API accepted, and whose row could not be stored at once.
CREATE TABLE IF NOT EXISTS wa.storage_failures (
    reference   UUID NOT NULL,
    attempt     INTEGER NOT NULL,
    wamid       TEXT NOT NULL,
    answered_at TIMESTAMPTZ NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (reference, attempt)
);

CREATE INDEX IF NOT EXISTS storage_failures_time ON wa.storage_failures (answered_at);
