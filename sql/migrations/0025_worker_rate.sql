-- why: The list of workers shows how many messages a second each of them handles.
-- transaction: yes
-- step: add the rate of workers
-- lock: none on the business's table; ACCESS EXCLUSIVE of wa.worker_heartbeats, an instant
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

ALTER TABLE wa.worker_heartbeats ADD COLUMN IF NOT EXISTS rate DOUBLE PRECISION;
