-- why: Remove the columns of 0024.
-- transaction: yes
-- step: drop the team and the leaving time of employees
-- lock: none on the business's table; ACCESS EXCLUSIVE of wa.employees, an instant
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-column: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-column

ALTER TABLE wa.employees DROP COLUMN IF EXISTS team;
ALTER TABLE wa.employees DROP COLUMN IF EXISTS left_at;
