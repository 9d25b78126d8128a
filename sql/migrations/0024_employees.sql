-- why: Reports by team, and employees who left but keep the credit for their messages.
-- transaction: yes
-- step: add the team and the leaving time of employees
-- lock: none on the business's table; ACCESS EXCLUSIVE of wa.employees, an instant
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

ALTER TABLE wa.employees ADD COLUMN IF NOT EXISTS team TEXT;
ALTER TABLE wa.employees ADD COLUMN IF NOT EXISTS left_at TIMESTAMPTZ;
