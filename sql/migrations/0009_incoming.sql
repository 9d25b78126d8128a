-- why: Objects of the incoming path: people whose number has two variants, notices, files
-- that are still at Meta. Edits, revocations and imported rows do not start a turn.
-- transaction: yes
-- last: wa.media_gone
-- step: create the tables of the incoming path
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: require-concurrent-index-creation: of tables that this transaction makes
-- squawk-ignore-file require-concurrent-index-creation
-- squawk: prefer-bigint-over-int: counts of tries, codes, sizes below 2 GB
-- squawk-ignore-file prefer-bigint-over-int

-- True if a row may start or end a turn. Reactions, system rows, edits and revocations do neither, nor do rows of a
-- bulk run, and a failed outgoing message does not end one.
CREATE OR REPLACE FUNCTION wa.is_turn_event(direction text, message_type text, status text, campaign text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT message_type NOT IN ('reaction', 'system', 'edit', 'revoke') AND campaign IS NULL
       AND (direction IS DISTINCT FROM 'outgoing' OR status IS DISTINCT FROM 'failed')
$$;

-- The one key of a person whose number has two variants at WhatsApp: Brazil's mobiles with and without their ninth
-- digit, Mexico's with and without 1, Argentina's with and without 9. Any other key as it is.
CREATE OR REPLACE FUNCTION wa.person_key(key text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN left(key, 2) NOT IN ('55', '52', '54') THEN key
        WHEN key ~ '^55[1-9][1-9][6-9][0-9]{7}$' THEN left(key, 4) || '9' || substr(key, 5)
        WHEN key ~ '^521[0-9]{10}$' THEN '52' || substr(key, 4)
        WHEN key ~ '^54[1-3][0-9]{9}$' THEN '549' || substr(key, 3)
        ELSE key
    END
$$;

-- Every key under which rows of this person may stand.
CREATE OR REPLACE FUNCTION wa.forms(key text)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN known ~ '^55[1-9][1-9]9[6-9][0-9]{7}$' THEN ARRAY[known, left(known, 4) || substr(known, 6)]
        WHEN known ~ '^52[0-9]{10}$' THEN ARRAY[known, '521' || substr(known, 3)]
        WHEN known ~ '^549[1-3][0-9]{9}$' THEN ARRAY[known, '54' || substr(known, 4)]
        ELSE ARRAY[known]
    END
      FROM (SELECT wa.person_key(key) AS known) AS person
$$;

-- The same, and every key that is known to be this person's too.
CREATE OR REPLACE FUNCTION wa.keys(person text)
RETURNS SETOF text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT unnest(wa.forms(person))
    UNION ALL
    SELECT unnest(wa.forms(customer)) FROM wa.contacts WHERE same_as = person
$$;

-- Contacts are kept by person from now.
DELETE FROM wa.contacts AS odd
 USING wa.contacts AS known
 WHERE odd.customer <> wa.person_key(odd.customer) AND known.customer = wa.person_key(odd.customer);
UPDATE wa.contacts SET customer = wa.person_key(customer) WHERE customer <> wa.person_key(customer);
UPDATE wa.contacts SET same_as = nullif(wa.person_key(same_as), customer) WHERE same_as IS NOT NULL;

COMMENT ON COLUMN wa.contacts.customer IS 'wa.person_key of wa.customer_key: digits of the phone, else the user id';
COMMENT ON COLUMN wa.contacts.same_as IS 'the key under which this person is known, where it is another; that one has none';

-- Notices: webhook entries about templates, accounts, preferences and errors.
CREATE TABLE IF NOT EXISTS wa.notices (
    id          TEXT PRIMARY KEY,
    account     TEXT NOT NULL,
    field       TEXT NOT NULL,
    number      TEXT,
    happened_at TIMESTAMPTZ,
    raw         JSON NOT NULL,
    received_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX IF NOT EXISTS notices_time ON wa.notices (received_at);

-- Files that came with messages: at Meta for seven days, until a worker saves them.
CREATE TABLE IF NOT EXISTS wa.media (
    message_id TEXT PRIMARY KEY,
    media_id   TEXT NOT NULL,
    number     TEXT,
    mime_type  TEXT,
    sha256     TEXT,
    state      TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'saved', 'lost')),
    attempt    INTEGER NOT NULL DEFAULT 0,
    due_at     TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    gone_at    TIMESTAMPTZ NOT NULL,
    reason     TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    saved_at   TIMESTAMPTZ
);

COMMENT ON COLUMN wa.media.due_at IS 'when it is to be fetched; while a worker has it in hand, when that one must be dead';
COMMENT ON COLUMN wa.media.gone_at IS 'when Meta deletes it';

CREATE INDEX IF NOT EXISTS media_due  ON wa.media (due_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS media_lost ON wa.media (message_id) WHERE state = 'lost';
CREATE INDEX IF NOT EXISTS media_gone ON wa.media (gone_at);
