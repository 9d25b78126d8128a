-- why: wa's own tables, in a schema of their own so that nothing collides with the business's `employees` or `outbox`.
-- transaction: yes
-- last: wa.worker_heartbeats
-- step: create the tables of wa
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: prefer-robust-stmts: one transaction: there is no half of it
-- squawk-ignore-file prefer-robust-stmts
-- squawk: require-concurrent-index-creation: of tables that this transaction makes
-- squawk-ignore-file require-concurrent-index-creation
-- squawk: prefer-bigint-over-int: counts of tries, codes, sizes below 2 GB
-- squawk-ignore-file prefer-bigint-over-int

CREATE SCHEMA IF NOT EXISTS wa;

-- The customer of a row of whatsapp_messages: the phone without its +, else the business-scoped user id.
CREATE OR REPLACE FUNCTION wa.customer_key(direction text, from_phone text, to_phone text, customer_user_id text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(
        nullif(ltrim(CASE WHEN direction = 'outgoing' THEN to_phone ELSE from_phone END, '+'), ''),
        customer_user_id
    )
$$;

-- True if a row may start or end a turn. Reactions and system rows do neither. A failed or bulk message ends no turn.
CREATE OR REPLACE FUNCTION wa.is_turn_event(direction text, message_type text, status text, campaign text)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT message_type NOT IN ('reaction', 'system')
       AND (direction IS DISTINCT FROM 'outgoing' OR status IS DISTINCT FROM 'failed' AND campaign IS NULL)
$$;

-- Widens a VARCHAR and never narrows one: a change of the length alone rewrites nothing.
CREATE OR REPLACE FUNCTION wa.widen(target regclass, name text, length integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM pg_attribute
         WHERE attrelid = target AND attname = name AND atttypid = 'varchar'::regtype
           AND atttypmod > 4 AND atttypmod - 4 < length
    ) THEN
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE VARCHAR(%s)', target, name, length);
    END IF;
END $$;

-- The messages to send, with their states.
CREATE TABLE IF NOT EXISTS wa.outbox (
    reference       UUID PRIMARY KEY,
    seq             BIGINT GENERATED ALWAYS AS IDENTITY,
    number          TEXT NOT NULL,
    customer        TEXT NOT NULL,
    phone_number    TEXT,
    recipient       TEXT,
    message_type    TEXT NOT NULL,
    message         JSON NOT NULL,
    business_phone  TEXT NOT NULL,
    employee_id     UUID,
    campaign        TEXT,
    on_uncertain    TEXT NOT NULL DEFAULT 'evidence' CHECK (on_uncertain IN ('evidence', 'hold')),
    state           TEXT NOT NULL DEFAULT 'queued' CHECK (state IN
                        ('queued', 'sending', 'uncertain', 'sent', 'failed', 'held', 'expired', 'cancelled')),
    turn            BOOLEAN NOT NULL,
    scheduled       BOOLEAN NOT NULL DEFAULT FALSE,
    due_at          TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    expires_at      TIMESTAMPTZ,
    attempt         INTEGER NOT NULL DEFAULT 0,
    retry_count     INTEGER NOT NULL DEFAULT 0,
    token           UUID,
    lease_until     TIMESTAMPTZ,
    last_attempt_at TIMESTAMPTZ,
    uncertain_since TIMESTAMPTZ,
    uncertain_count INTEGER NOT NULL DEFAULT 0,
    possible_double BOOLEAN NOT NULL DEFAULT FALSE,
    wamid           TEXT,
    accepted_at     TIMESTAMPTZ,
    paced           BOOLEAN NOT NULL DEFAULT FALSE,
    status_at       TIMESTAMPTZ,
    failure_code    INTEGER,
    failure_reason  TEXT,
    queued_at       TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    created_at      TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    final_at        TIMESTAMPTZ,
    CONSTRAINT the_finished_have_no_turn CHECK (NOT turn OR final_at IS NULL)
) WITH (fillfactor = 70);

COMMENT ON COLUMN wa.outbox.turn IS
    'it is this message''s turn with its customer: only such a row is claimable, and it holds up the later ones';
COMMENT ON COLUMN wa.outbox.paced IS 'a template that Meta holds back for quality: its status may be late';
COMMENT ON COLUMN wa.outbox.scheduled IS 'asked for a time of its own: it holds nobody up and waits for nobody';
COMMENT ON COLUMN wa.outbox.retry_count IS 'attempts that count: a throttled or unconnected try does not';

CREATE INDEX IF NOT EXISTS outbox_claim    ON wa.outbox (number, due_at, seq) WHERE state = 'queued' AND turn;
CREATE INDEX IF NOT EXISTS outbox_waiting  ON wa.outbox (number, customer, seq) WHERE state = 'queued' AND NOT turn;
CREATE INDEX IF NOT EXISTS outbox_turns    ON wa.outbox (number, customer) WHERE turn;
CREATE INDEX IF NOT EXISTS outbox_customer ON wa.outbox (customer) WHERE final_at IS NULL OR state = 'cancelled';
CREATE INDEX IF NOT EXISTS outbox_leases   ON wa.outbox (lease_until) WHERE state = 'sending';
CREATE INDEX IF NOT EXISTS outbox_unsure   ON wa.outbox (uncertain_since) WHERE state = 'uncertain';
CREATE INDEX IF NOT EXISTS outbox_expiry   ON wa.outbox (expires_at) WHERE state = 'queued' AND expires_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_wamid    ON wa.outbox (wamid) WHERE wamid IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_silent   ON wa.outbox (number, accepted_at)
    WHERE accepted_at IS NOT NULL AND status_at IS NULL AND NOT paced;
CREATE INDEX IF NOT EXISTS outbox_proven   ON wa.outbox (number, accepted_at) WHERE accepted_at IS NOT NULL AND status_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_final    ON wa.outbox (final_at) WHERE final_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS outbox_doubts   ON wa.outbox (reference) WHERE uncertain_count > 0 OR possible_double OR state = 'held';

-- Every attempt to send a message, with its outcome.
CREATE TABLE IF NOT EXISTS wa.send_attempts (
    reference   UUID NOT NULL,
    attempt     INTEGER NOT NULL,
    token       UUID,
    verdict     TEXT NOT NULL,
    wamid       TEXT,
    code        INTEGER,
    reason      TEXT,
    answered_at TIMESTAMPTZ,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (reference, attempt)
);

CREATE INDEX IF NOT EXISTS send_attempts_time ON wa.send_attempts (created_at);

-- The statuses of our messages. Each is kept, and applied to its row only upward.
CREATE TABLE IF NOT EXISTS wa.status_events (
    wamid       TEXT NOT NULL,
    status      TEXT NOT NULL,
    happened_at TIMESTAMPTZ NOT NULL,
    participant TEXT NOT NULL DEFAULT '',
    number      TEXT NOT NULL,
    recipient   TEXT,
    reference   UUID,
    attempt     INTEGER,
    code        INTEGER,
    reason      TEXT,
    raw         JSON NOT NULL,
    received_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    applied_at  TIMESTAMPTZ,
    PRIMARY KEY (wamid, status, happened_at, participant)
);

CREATE INDEX IF NOT EXISTS status_events_pending ON wa.status_events (received_at) WHERE applied_at IS NULL;
CREATE INDEX IF NOT EXISTS status_events_number  ON wa.status_events (number, received_at);

CREATE TABLE IF NOT EXISTS wa.contacts (
    customer   TEXT PRIMARY KEY,
    same_as    TEXT,
    name       TEXT,
    user_id    TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON COLUMN wa.contacts.customer IS 'the key of wa.customer_key: digits of the phone, else the user id';
COMMENT ON COLUMN wa.contacts.same_as IS 'the key under which this person is known, where it is another';

CREATE INDEX IF NOT EXISTS contacts_aliases ON wa.contacts (same_as) WHERE same_as IS NOT NULL;

CREATE TABLE IF NOT EXISTS wa.employees (
    id         UUID PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);

-- The queue in the database, and the dead letters of every queue.
CREATE TABLE IF NOT EXISTS wa.queue_messages (
    queue         TEXT NOT NULL,
    id            TEXT NOT NULL,
    seq           BIGINT GENERATED ALWAYS AS IDENTITY,
    customer      TEXT,
    body          TEXT NOT NULL,
    state         TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'dead')),
    receives      INTEGER NOT NULL DEFAULT 0,
    token         UUID,
    visible_at    TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    reason        TEXT,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    died_at       TIMESTAMPTZ,
    PRIMARY KEY (queue, id)
) WITH (fillfactor = 70);

COMMENT ON COLUMN wa.queue_messages.token IS 'set while a worker holds the message, until visible_at';

CREATE INDEX IF NOT EXISTS queue_messages_order ON wa.queue_messages (queue, seq) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS queue_messages_held  ON wa.queue_messages (queue, visible_at) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS queue_messages_dead  ON wa.queue_messages (queue, died_at) WHERE state = 'dead';

-- The send rate of each business number: one token bucket for all workers.
CREATE TABLE IF NOT EXISTS wa.rate_limits (
    number       TEXT PRIMARY KEY,
    ceiling      DOUBLE PRECISION NOT NULL,
    rate         DOUBLE PRECISION NOT NULL,
    tokens       DOUBLE PRECISION NOT NULL DEFAULT 0,
    refilled_at  TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    slowed_at    TIMESTAMPTZ,
    paused_until TIMESTAMPTZ,
    blocked_at   TIMESTAMPTZ,
    blocked_why  TEXT
);

CREATE TABLE IF NOT EXISTS wa.worker_heartbeats (
    worker     TEXT PRIMARY KEY,
    kind       TEXT NOT NULL,
    host       TEXT NOT NULL,
    pid        INTEGER NOT NULL,
    started_at TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp(),
    seen_at    TIMESTAMPTZ NOT NULL DEFAULT clock_timestamp()
);
