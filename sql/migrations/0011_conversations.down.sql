-- why: What 0011 added; the columns of the business's table stay, because dropping them would lose what no other place knows.
-- transaction: no
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-column, ban-drop-table, ban-drop-function: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-column, ban-drop-table, ban-drop-function

-- step: forget when an hour of the clock began
DROP FUNCTION IF EXISTS wa.hour_start(timestamptz, text);

-- step: forget what opens a window
DROP FUNCTION IF EXISTS wa.opens_window(text, text, text);

-- step: say what starts and ends a turn as before
DROP FUNCTION IF EXISTS wa.is_turn_event(text, text, text, text, text);

-- step: forget who sent a row
DROP FUNCTION IF EXISTS wa.sent_by(text, text, text);

-- step: forget business numbers
DROP FUNCTION IF EXISTS wa.business_number(text, text, text);

-- step: say whose conversation a row belongs to as before
DROP FUNCTION IF EXISTS wa.customer_key(text, text, text, text, text);

-- step: drop the table of edits
-- lock: ACCESS EXCLUSIVE of wa.message_edits, an instant
DROP TABLE IF EXISTS wa.message_edits;

-- step: forget usernames, and when a name and a number were current
-- lock: ACCESS EXCLUSIVE of wa.contacts, an instant
ALTER TABLE wa.contacts
    DROP COLUMN IF EXISTS username,
    DROP COLUMN IF EXISTS name_at,
    DROP COLUMN IF EXISTS changed_at;

-- step: forget who sends an outbox message
-- lock: ACCESS EXCLUSIVE of wa.outbox, an instant
ALTER TABLE wa.outbox DROP COLUMN IF EXISTS sent_by;
