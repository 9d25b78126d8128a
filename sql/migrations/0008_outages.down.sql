-- why: Remove the objects of 0008.
-- transaction: no
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-column: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-column

-- step: drop the index of early statuses
DROP INDEX CONCURRENTLY IF EXISTS wa.status_events_early;

-- step: drop the column of the rate that was too fast
-- lock: ACCESS EXCLUSIVE of wa.rate_limits, an instant
ALTER TABLE wa.rate_limits DROP COLUMN IF EXISTS throttled_rate;

-- step: drop the column of a worker's number
-- lock: ACCESS EXCLUSIVE of wa.worker_heartbeats, an instant
ALTER TABLE wa.worker_heartbeats DROP COLUMN IF EXISTS number;
