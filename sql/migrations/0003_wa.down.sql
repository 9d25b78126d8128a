-- why: Drop wa's own tables. The migration ledger stays, with the record of this.
-- transaction: yes
-- step: drop wa's own tables
-- lock: ACCESS EXCLUSIVE of wa's own tables, an instant
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout
-- squawk: ban-drop-function, ban-drop-table: a way down takes away what the way up made
-- squawk-ignore-file ban-drop-function, ban-drop-table

-- Unfinished messages would be lost with the tables.
DO $$
DECLARE
    waiting bigint;
BEGIN
    SELECT (SELECT count(*) FROM wa.outbox WHERE final_at IS NULL)
         + (SELECT count(*) FROM wa.queue_messages WHERE state = 'waiting') INTO waiting;
    IF waiting > 0 THEN
        RAISE EXCEPTION 'wa.outbox and wa.queue_messages hold unfinished messages (%)', waiting
            USING ERRCODE = 'feature_not_supported', HINT = 'Let the workers finish them, or cancel them.';
    END IF;
END $$;

DROP TABLE IF EXISTS wa.outbox, wa.send_attempts, wa.status_events, wa.contacts, wa.employees, wa.queue_messages,
    wa.rate_limits, wa.worker_heartbeats;
DROP FUNCTION IF EXISTS wa.customer_key(text, text, text, text);
DROP FUNCTION IF EXISTS wa.is_turn_event(text, text, text, text);
DROP FUNCTION IF EXISTS wa.widen(regclass, text, integer);
