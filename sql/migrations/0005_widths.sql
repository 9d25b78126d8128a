-- why: A wamid has up to 128 characters, a business-scoped user id 132, an Office MIME type 71, a signed URL over 500.
--      A column that a view uses cannot be widened: that step is named, skipped, and done by a later `wa migrate`.
-- transaction: no
-- lock: ACCESS EXCLUSIVE, an instant: a change of the length alone rewrites nothing
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

-- Widens a VARCHAR and never narrows one: a change of the length alone rewrites nothing, unless an index of an expression or
-- a constraint uses the column. Those would be rebuilt while every session waits, so they are named instead.
-- step: check the users of a column
-- lock: none on the business's table
CREATE OR REPLACE FUNCTION wa.widen(target regclass, name text, length integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place smallint;
    users text;
BEGIN
    SELECT attnum INTO place
      FROM pg_attribute
     WHERE attrelid = target AND attname = name AND atttypid = 'varchar'::regtype
       AND atttypmod > 4 AND atttypmod - 4 < length;
    IF place IS NULL THEN
        RETURN;
    END IF;
    SELECT string_agg(found.name, ', ') INTO users
      FROM (SELECT indexrelid::regclass::text AS name
              FROM pg_index JOIN pg_depend ON objid = indexrelid AND classid = 'pg_class'::regclass
             WHERE indrelid = target AND (indexprs IS NOT NULL OR indpred IS NOT NULL)
               AND refobjid = target AND refobjsubid = place
             UNION
            SELECT conname FROM pg_constraint WHERE conrelid = target AND contype = 'c' AND place = ANY (conkey)) AS found;
    IF users IS NOT NULL THEN
        RAISE EXCEPTION '% would be built or checked anew with the table locked', users
            USING ERRCODE = 'feature_not_supported', HINT = 'Drop it, wa migrate, make it again.';
    END IF;
    EXECUTE format('ALTER TABLE %s ALTER COLUMN %I TYPE VARCHAR(%s)', target, name, length);
END $$;

-- step: let message_id be 128 characters long
SELECT wa.widen('whatsapp_messages', 'message_id', 128);

-- step: let context_message_id be 128 characters long
SELECT wa.widen('whatsapp_messages', 'context_message_id', 128);

-- step: let from_phone be 150 characters long
SELECT wa.widen('whatsapp_messages', 'from_phone', 150);

-- step: let to_phone be 150 characters long
SELECT wa.widen('whatsapp_messages', 'to_phone', 150);

-- step: let media_type be 150 characters long
SELECT wa.widen('whatsapp_messages', 'media_type', 150);

-- step: let media_url be 2048 characters long
SELECT wa.widen('whatsapp_messages', 'media_url', 2048);

-- A change of its type deletes the statistics of a column.
-- step: analyze the table again
-- lock: SHARE UPDATE EXCLUSIVE, some seconds; readers and writers go on
ANALYZE whatsapp_messages;
