-- why: Remove the objects of 0013.
-- transaction: no
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-column: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-column

-- step: drop the columns of blocks and throttled shares
-- lock: ACCESS EXCLUSIVE of wa.rate_limits, an instant
ALTER TABLE wa.rate_limits
    DROP COLUMN IF EXISTS blocked_by,
    DROP COLUMN IF EXISTS answers,
    DROP COLUMN IF EXISTS throttled,
    DROP COLUMN IF EXISTS throttled_share,
    DROP COLUMN IF EXISTS steady_share;

-- step: drop the columns of a worker's version and progress
-- lock: ACCESS EXCLUSIVE of wa.worker_heartbeats, an instant
ALTER TABLE wa.worker_heartbeats
    DROP COLUMN IF EXISTS version,
    DROP COLUMN IF EXISTS progress_at;
