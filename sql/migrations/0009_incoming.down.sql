-- why: Remove the objects of 0009. Contacts stay as they are.
-- transaction: yes
-- step: drop the tables of the incoming path
-- lock: ACCESS EXCLUSIVE of wa's own tables, an instant
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-function, ban-drop-table: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-function, ban-drop-table

DROP TABLE IF EXISTS wa.media, wa.notices;
DROP FUNCTION IF EXISTS wa.keys(text);
DROP FUNCTION IF EXISTS wa.forms(text);
DROP FUNCTION IF EXISTS wa.person_key(text);

COMMENT ON COLUMN wa.contacts.customer IS 'the key of wa.customer_key: digits of the phone, else the user id';
COMMENT ON COLUMN wa.contacts.same_as IS 'the key under which this person is known, where it is another';

CREATE OR REPLACE FUNCTION wa.is_turn_event(direction text, message_type text, status text, campaign text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT message_type NOT IN ('reaction', 'system')
       AND (direction IS DISTINCT FROM 'outgoing' OR status IS DISTINCT FROM 'failed' AND campaign IS NULL)
$$;
