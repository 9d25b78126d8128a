-- why: A failed message can be sent again as a new one, which names the message that it repeats.
-- transaction: yes
-- step: add the repeated message to outbox messages
-- lock: none on the business's table; ACCESS EXCLUSIVE of wa.outbox, an instant
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

ALTER TABLE wa.outbox ADD COLUMN IF NOT EXISTS resend_of UUID;
