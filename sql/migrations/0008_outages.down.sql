-- why: What 0008 added.
-- transaction: no
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-column: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-column

DROP INDEX CONCURRENTLY IF EXISTS wa.status_events_early;

ALTER TABLE wa.rate_limits DROP COLUMN IF EXISTS throttled_rate;

ALTER TABLE wa.worker_heartbeats DROP COLUMN IF EXISTS number;
