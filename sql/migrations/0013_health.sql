-- why: The workers and their progress, the reason of a block, and whether a limit depends on our rate: a steady
-- share of throttled answers does not, and sending slower would not help.
-- transaction: no
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: prefer-bigint-over-int: counts of seconds
-- squawk-ignore-file prefer-bigint-over-int

-- step: add the columns of a worker's version and progress
-- lock: ACCESS EXCLUSIVE of wa.worker_heartbeats, an instant
ALTER TABLE wa.worker_heartbeats
    ADD COLUMN IF NOT EXISTS version     TEXT,
    ADD COLUMN IF NOT EXISTS progress_at TIMESTAMPTZ;

-- step: add the columns of blocks and throttled shares
-- lock: ACCESS EXCLUSIVE of wa.rate_limits, an instant
ALTER TABLE wa.rate_limits
    ADD COLUMN IF NOT EXISTS blocked_by      TEXT,
    ADD COLUMN IF NOT EXISTS answers         INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS throttled       INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS throttled_share DOUBLE PRECISION,
    ADD COLUMN IF NOT EXISTS steady_share    DOUBLE PRECISION;

-- step: describe the steady share
COMMENT ON COLUMN wa.rate_limits.steady_share IS
    'the share of throttled answers that did not fall when the rate did: it does not come from our rate';
