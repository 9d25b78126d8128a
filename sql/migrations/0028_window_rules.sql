-- why: A queued message may outlive its 24-hour window. Each one says what happens then: refused, another template, or a wait.
-- transaction: yes
-- step: add the window rule of outbox messages
-- lock: none on the business's table; ACCESS EXCLUSIVE of wa.outbox, an instant
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

ALTER TABLE wa.outbox ADD COLUMN IF NOT EXISTS window_rule TEXT;
ALTER TABLE wa.outbox ADD COLUMN IF NOT EXISTS or_template JSON;
