-- why: A worker in degraded mode needs its share of the rate, and afterwards the statuses that came
-- before their message. The rate that was last too fast lets a throttled number find its limit again.
-- transaction: no
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

-- step: add the column of a worker's number
-- lock: ACCESS EXCLUSIVE of wa.worker_heartbeats, an instant
ALTER TABLE wa.worker_heartbeats ADD COLUMN IF NOT EXISTS number TEXT;

-- step: add the column of the rate that was too fast
-- lock: ACCESS EXCLUSIVE of wa.rate_limits, an instant
ALTER TABLE wa.rate_limits ADD COLUMN IF NOT EXISTS throttled_rate DOUBLE PRECISION;

-- step: index early statuses
CREATE INDEX CONCURRENTLY IF NOT EXISTS status_events_early
    ON wa.status_events (reference) WHERE reference IS NOT NULL AND applied_at IS NULL;
