-- why: Records in the spool of a machine belong to this database. Its address may change, after a failover for example.
-- transaction: yes
-- step: create the table of the database's id
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

CREATE TABLE IF NOT EXISTS wa.database_id (
    id       UUID NOT NULL DEFAULT gen_random_uuid(),
    only_row BOOLEAN PRIMARY KEY DEFAULT TRUE CHECK (only_row)
);
INSERT INTO wa.database_id DEFAULT VALUES ON CONFLICT DO NOTHING;
