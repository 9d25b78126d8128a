-- why: A message that was moved to another business number may have been sent by the first one, and a status proves it.
-- transaction: yes
-- step: add the column of the former numbers
-- lock: none on the business's table; ACCESS EXCLUSIVE of wa.outbox, an instant
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

ALTER TABLE wa.outbox ADD COLUMN IF NOT EXISTS former_numbers TEXT[];
