-- why: Drop the column of repeated messages.
-- transaction: yes
-- step: drop the repeated message of outbox messages
-- lock: none on the business's table; ACCESS EXCLUSIVE of wa.outbox, an instant
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-column: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-column

ALTER TABLE wa.outbox DROP COLUMN IF EXISTS resend_of;
