-- why: Drop the index and the constraint. The column stays, since its values are stored nowhere else.
-- transaction: no
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-constraint: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-constraint

-- step: drop the index of the direction
-- lock: SHARE UPDATE EXCLUSIVE, until the transactions that may use the index have ended; readers and writers go on
DROP INDEX CONCURRENTLY IF EXISTS idx_messages_direction;

-- step: drop the constraint of the direction
-- lock: ACCESS EXCLUSIVE, an instant
ALTER TABLE whatsapp_messages DROP CONSTRAINT IF EXISTS check_direction;
