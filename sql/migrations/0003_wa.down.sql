-- why: Drops what wa keeps for itself. The migration ledger stays: it is what says that this happened.
-- transaction: yes

DROP TABLE IF EXISTS wa.outbox, wa.send_attempts, wa.status_events, wa.contacts, wa.employees, wa.queue_messages,
    wa.rate_limits, wa.worker_heartbeats;
DROP FUNCTION IF EXISTS wa.customer_key(text, text, text, text);
DROP FUNCTION IF EXISTS wa.is_turn_event(text, text, text, text);
DROP FUNCTION IF EXISTS wa.widen(regclass, text, integer);
