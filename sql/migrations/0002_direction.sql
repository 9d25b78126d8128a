-- why: The column that tells outgoing from incoming messages. The names are fixed, since other tools use them.
-- transaction: no
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: prefer-robust-stmts: what is added looks first whether it is there
-- squawk-ignore-file prefer-robust-stmts
-- squawk: prefer-text-field: the business's table is as it is found
-- squawk-ignore-file prefer-text-field

-- step: add the column direction
-- lock: ACCESS EXCLUSIVE, an instant: the value of existing rows is in the catalogue, and no row is rewritten
ALTER TABLE whatsapp_messages ADD COLUMN IF NOT EXISTS direction VARCHAR(20) DEFAULT 'incoming';

-- If the column was made by hand, a person decides: another default, other words or too narrow a type are the
-- vocabulary of programs that would begin to fail.
-- step: check an existing column direction
-- lock: ACCESS SHARE, as long as reading the table takes; readers and writers go on
DO $$
DECLARE
    kind   text;
    preset text;
    others text;
BEGIN
    SELECT format_type(atttypid, atttypmod), pg_get_expr(adbin, adrelid) INTO kind, preset
      FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attrelid = 'whatsapp_messages'::regclass AND attname = 'direction' AND NOT attisdropped;
    IF coalesce(substring(kind FROM '[0-9]+')::integer, 8) < 8 THEN
        RAISE EXCEPTION 'direction is of the type %, and outgoing does not fit into it', kind
            USING ERRCODE = 'feature_not_supported';
    END IF;
    IF preset NOT LIKE quote_literal('incoming') || '%' AND preset NOT LIKE 'NULL%' THEN
        RAISE EXCEPTION 'direction has the default %', preset USING ERRCODE = 'feature_not_supported';
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_constraint
         WHERE conrelid = 'whatsapp_messages'::regclass AND conname = 'check_direction' AND convalidated
    ) THEN
        SELECT string_agg(format('%s rows say %L', count, direction), ', ' ORDER BY count DESC) INTO others
          FROM (SELECT direction, count(*) AS count FROM whatsapp_messages
                 WHERE direction NOT IN ('incoming', 'outgoing') GROUP BY direction LIMIT 5) AS found;
    END IF;
    IF others IS NOT NULL THEN
        RAISE EXCEPTION 'direction has other words than incoming and outgoing: %', others
            USING ERRCODE = 'feature_not_supported',
                  HINT = 'Change those rows and the program that writes them, then wa migrate.';
    END IF;
END $$;

-- step: set the default to incoming
-- needs: the step before
-- lock: ACCESS EXCLUSIVE, an instant: for a column that was added by hand without the default
ALTER TABLE whatsapp_messages ALTER COLUMN direction SET DEFAULT 'incoming';

-- A batch for each transaction, by primary key, with a pause after each. A row in use is skipped and found by
-- the next round. Filled rows stay filled after an interruption. The application's name has the progress.
-- step: fill rows without a direction
-- needs: the step before
-- lock: ROW EXCLUSIVE, batches of 1,000 rows, for some milliseconds each
DO $$
DECLARE
    nobody  CONSTANT uuid := '00000000-0000-0000-0000-000000000000';
    name    CONSTANT text := current_setting('application_name');
    filled  bigint := 0;
    changed integer;
    after   uuid;
    found   uuid[];
BEGIN
    FOR round IN 1..5 LOOP
        EXIT WHEN NOT EXISTS (SELECT FROM whatsapp_messages WHERE direction IS NULL);
        PERFORM pg_sleep(CASE WHEN round > 1 THEN 1 ELSE 0 END);
        after := nobody;
        LOOP
            -- Found without a lock, so that none is held while the table is searched; locked and looked at again after that.
            found := ARRAY(SELECT id FROM whatsapp_messages WHERE direction IS NULL AND id > after ORDER BY id LIMIT 1000);
            COMMIT;
            EXIT WHEN cardinality(found) = 0;
            after := found[cardinality(found)];
            WITH batch AS (
                SELECT id FROM whatsapp_messages
                 WHERE id = ANY (found) AND direction IS NULL
                 ORDER BY id
                   FOR UPDATE SKIP LOCKED
            )
            UPDATE whatsapp_messages AS message
               SET direction = 'incoming'
              FROM batch
             WHERE message.id = batch.id;
            GET DIAGNOSTICS changed = ROW_COUNT;
            COMMIT;
            filled := filled + changed;
            PERFORM set_config('application_name', format('wa migrate: %s rows filled', filled), false);
            PERFORM pg_sleep(0.01);
            COMMIT;
        END LOOP;
    END LOOP;
    PERFORM set_config('application_name', name, false);
END $$;

-- NOT VALID first: existing rows are checked by the next step, which does not block.
-- step: allow only incoming and outgoing
-- needs: the step before
-- lock: ACCESS EXCLUSIVE, an instant: no row is read
DO $$
DECLARE
    words text[];
BEGIN
    SELECT array_agg(DISTINCT word[1] ORDER BY word[1]) INTO words
      FROM pg_constraint, regexp_matches(pg_get_constraintdef(oid), '''([^'']*)''', 'g') AS word
     WHERE conrelid = 'whatsapp_messages'::regclass AND conname = 'check_direction';
    IF NOT EXISTS (
        SELECT FROM pg_constraint WHERE conrelid = 'whatsapp_messages'::regclass AND conname = 'check_direction'
    ) THEN
        ALTER TABLE whatsapp_messages
            ADD CONSTRAINT check_direction CHECK (direction IN ('incoming', 'outgoing')) NOT VALID;
    ELSIF words IS DISTINCT FROM ARRAY['incoming', 'outgoing'] THEN
        RAISE EXCEPTION 'the constraint check_direction is there and allows %',
            coalesce(array_to_string(words, ', '), 'what it says itself') USING ERRCODE = 'feature_not_supported';
    END IF;
END $$;

-- step: check existing rows
-- needs: the step before
-- lock: SHARE UPDATE EXCLUSIVE, as long as reading the table takes; readers and writers go on
ALTER TABLE whatsapp_messages VALIDATE CONSTRAINT check_direction;

-- step: index the direction
-- lock: SHARE UPDATE EXCLUSIVE, as long as the index takes; readers and writers go on
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_messages_direction ON whatsapp_messages (direction);

-- step: describe the column
-- lock: SHARE UPDATE EXCLUSIVE, an instant
COMMENT ON COLUMN whatsapp_messages.direction IS
    'incoming: a customer wrote to the business; outgoing: the business wrote to a customer';
