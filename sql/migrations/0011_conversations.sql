-- why: The sender of a message (a person, a program, a campaign), the group of a group message, edits and
-- revocations, and the times that distinguish an older event from a newer one.
-- transaction: no
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: prefer-text-field: the business's table is as it is found
-- squawk-ignore-file prefer-text-field

-- step: add the columns sent_by and group_id
-- lock: ACCESS EXCLUSIVE, an instant: the values of existing rows are in the catalogue
ALTER TABLE whatsapp_messages
    ADD COLUMN IF NOT EXISTS sent_by  VARCHAR(20),
    ADD COLUMN IF NOT EXISTS group_id VARCHAR(150);

-- step: add the column of an outbox message's sender
-- lock: ACCESS EXCLUSIVE of wa.outbox, an instant
ALTER TABLE wa.outbox ADD COLUMN IF NOT EXISTS sent_by TEXT NOT NULL DEFAULT 'human';

-- step: add the columns of usernames and of the time of names and keys
-- lock: ACCESS EXCLUSIVE of wa.contacts, an instant
ALTER TABLE wa.contacts
    ADD COLUMN IF NOT EXISTS username   TEXT,
    ADD COLUMN IF NOT EXISTS name_at    TIMESTAMPTZ,
    ADD COLUMN IF NOT EXISTS changed_at TIMESTAMPTZ;

-- step: describe the time of a key
COMMENT ON COLUMN wa.contacts.changed_at IS 'when the person changed to this key: an older change does not bring an older key back';

-- step: create the table of edits
CREATE TABLE IF NOT EXISTS wa.message_edits (
    message_id TEXT PRIMARY KEY,
    content    TEXT,
    edited_at  TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ
);

-- step: describe the table of edits
COMMENT ON TABLE wa.message_edits IS 'what became of a message whose author changed it or took it back; its row keeps the original';

-- The conversation of a row of whatsapp_messages: the group, else the phone without its +, else the user id.
-- step: define the conversation of a row
CREATE OR REPLACE FUNCTION wa.customer_key(
    direction text, from_phone text, to_phone text, customer_user_id text, group_id text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(
        group_id,
        nullif(ltrim(CASE WHEN direction = 'outgoing' THEN to_phone ELSE from_phone END, '+'), ''),
        customer_user_id
    )
$$;

-- The business's own number of a row, NULL where the row does not say.
-- step: define the business number of a row
CREATE OR REPLACE FUNCTION wa.business_number(direction text, from_phone text, to_phone text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT nullif(nullif(ltrim(CASE WHEN direction = 'outgoing' THEN from_phone ELSE to_phone END, '+'), ''), 'business')
$$;

-- The kind of sender of an outgoing row. Older rows lack it: one of a campaign is known, a template counts as automatic.
-- step: define the sender of a row
CREATE OR REPLACE FUNCTION wa.sent_by(sent_by text, campaign text, message_type text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(sent_by, CASE WHEN campaign <> 'history' THEN 'campaign'
                                  WHEN message_type = 'template' THEN 'automatic'
                                  ELSE 'human' END)
$$;

-- Whether a row may start or end a turn: reactions, system rows, edits, revocations and answered calls do neither, nor what
-- belongs to a campaign or was imported; a turn is ended by a person's message that did not fail.
-- step: define the begin and the end of a turn
CREATE OR REPLACE FUNCTION wa.is_turn_event(direction text, message_type text, status text, campaign text, sent_by text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT message_type NOT IN ('reaction', 'system', 'edit', 'revoke', 'call', 'request_welcome') AND campaign IS NULL
       AND (direction IS DISTINCT FROM 'outgoing'
            OR status IS DISTINCT FROM 'failed'
               AND coalesce(sent_by, CASE message_type WHEN 'template' THEN 'automatic' ELSE 'human' END) = 'human')
$$;

-- Whether a row of a customer opens Meta's window: any message or call does, but not what was imported, nor a reaction, an
-- edit, a revocation or a system row.
-- step: define what opens a window
CREATE OR REPLACE FUNCTION wa.opens_window(direction text, message_type text, campaign text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT direction IS DISTINCT FROM 'outgoing' AND campaign IS NULL
       AND message_type NOT IN ('reaction', 'system', 'edit', 'revoke', 'request_welcome')
$$;

-- The instant at which the clock's hour of this moment began. Where a zone is set by half an hour, that hour is half an hour
-- longer or shorter.
-- step: define the begin of an hour
CREATE OR REPLACE FUNCTION wa.hour_start(moment timestamptz, zone text)
RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN (start - interval '30 minutes') AT TIME ZONE zone = clock THEN start - interval '30 minutes'
                WHEN date_trunc('hour', start AT TIME ZONE zone) = clock THEN start
                ELSE start + interval '30 minutes' END
      FROM (SELECT date_trunc('hour', moment AT TIME ZONE zone) AS clock,
                   moment - (moment AT TIME ZONE zone - date_trunc('hour', moment AT TIME ZONE zone)) AS start) AS found
$$;
