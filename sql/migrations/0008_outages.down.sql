-- why: What 0008 added.
-- transaction: no

DROP INDEX CONCURRENTLY IF EXISTS wa.status_events_early;

ALTER TABLE wa.rate_limits DROP COLUMN IF EXISTS throttled_rate;

ALTER TABLE wa.worker_heartbeats DROP COLUMN IF EXISTS number;
