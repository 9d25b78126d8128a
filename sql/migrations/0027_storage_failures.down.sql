-- why: Drop the table of storage failures.
-- transaction: yes
-- step: drop the table of storage failures
-- lock: ACCESS EXCLUSIVE of wa's own table, an instant
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-table: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-table

DROP TABLE IF EXISTS wa.storage_failures;
