-- why: Remove the objects of 0011. The columns of the business's table stay, since only they have their values.
-- transaction: no
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-column, ban-drop-table, ban-drop-function: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-column, ban-drop-table, ban-drop-function

-- step: drop the function of the begin of an hour
DROP FUNCTION IF EXISTS wa.hour_start(timestamptz, text);

-- step: drop the function of what opens a window
DROP FUNCTION IF EXISTS wa.opens_window(text, text, text);

-- step: define turns as before
DROP FUNCTION IF EXISTS wa.is_turn_event(text, text, text, text, text);

-- step: drop the function of a row's sender
DROP FUNCTION IF EXISTS wa.sent_by(text, text, text);

-- step: drop the function of a row's business number
DROP FUNCTION IF EXISTS wa.business_number(text, text, text);

-- step: define conversations as before
DROP FUNCTION IF EXISTS wa.customer_key(text, text, text, text, text);

-- step: drop the table of edits
-- lock: ACCESS EXCLUSIVE of wa.message_edits, an instant
DROP TABLE IF EXISTS wa.message_edits;

-- step: drop the columns of usernames and of the time of names and keys
-- lock: ACCESS EXCLUSIVE of wa.contacts, an instant
ALTER TABLE wa.contacts
    DROP COLUMN IF EXISTS username,
    DROP COLUMN IF EXISTS name_at,
    DROP COLUMN IF EXISTS changed_at;

-- step: drop the column of an outbox message's sender
-- lock: ACCESS EXCLUSIVE of wa.outbox, an instant
ALTER TABLE wa.outbox DROP COLUMN IF EXISTS sent_by;
