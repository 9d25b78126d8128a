-- why: Remove the column of 0025.
-- transaction: yes
-- step: drop the rate of workers
-- lock: none on the business's table; ACCESS EXCLUSIVE of wa.worker_heartbeats, an instant
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-column: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-column

ALTER TABLE wa.worker_heartbeats DROP COLUMN IF EXISTS rate;
