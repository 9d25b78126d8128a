-- Decide uncertain messages by the evidence: their next state and its reason.
--   not_sent: Another message of the number, accepted since a minute before the attempt, got its status after the attempt,
--             so statuses came in then, and none that is older than :wait lacks one. So this message never arrived. It is
--             sent again, and held after :attempts.
--   silent:   The number has had no status event for a day, so none is expected. The message is sent again as a possible
--             duplicate.
-- Neither is known while webhooks wait on the queue for longer than :wait, since the missing status may be among them.
-- Webhooks older than :evidence_limit are left over from an unused queue.
WITH backlog AS MATERIALIZED (
    SELECT EXISTS (SELECT FROM (SELECT created_at
                                  FROM wa.queue_messages
                                 WHERE queue = 'incoming' AND state = 'waiting'
                                   AND created_at > clock_timestamp() - :evidence_limit
                                 ORDER BY seq LIMIT 1) AS oldest
                    WHERE created_at < clock_timestamp() - :wait) AS is_late
), unsure AS MATERIALIZED (
    SELECT reference, number, customer, last_attempt_at, uncertain_since, uncertain_count, on_uncertain
      FROM wa.outbox
     WHERE state = 'uncertain'
), judged AS (
    SELECT unsure.*,
           -- Both times, since the database may have learnt late of the attempt.
           NOT backlog.is_late
           AND unsure.last_attempt_at < clock_timestamp() - :wait AND unsure.uncertain_since < clock_timestamp() - :wait
           AND EXISTS (SELECT FROM wa.outbox AS other
                        WHERE other.number = unsure.number
                          AND other.accepted_at >= unsure.last_attempt_at - interval '1 minute'
                          AND other.status_at > unsure.last_attempt_at)
           AND NOT EXISTS (SELECT FROM wa.outbox AS other
                            WHERE other.number = unsure.number
                              AND other.accepted_at >= unsure.last_attempt_at - interval '1 minute'
                              AND other.accepted_at < clock_timestamp() - :wait
                              AND other.status_at IS NULL AND NOT other.paced) AS not_sent,
           NOT backlog.is_late
           AND uncertain_since < clock_timestamp() - :silence
           AND NOT EXISTS (SELECT FROM wa.status_events AS event
                            WHERE event.number = unsure.number
                              AND event.received_at > clock_timestamp() - interval '1 day') AS silent,
           uncertain_since < clock_timestamp() - :evidence_limit AS given_up
      FROM unsure, backlog
), decision AS MATERIALIZED (
    SELECT reference,
           CASE WHEN on_uncertain = 'hold' THEN 'held'
                WHEN not_sent AND uncertain_count < :attempts THEN 'queued'
                WHEN silent AND uncertain_count = 1 THEN 'queued'
                WHEN not_sent OR silent THEN 'held'
                WHEN given_up THEN 'held' END AS state,
           CASE WHEN on_uncertain = 'hold' THEN 'it is uncertain, and WA_ON_UNCERTAIN is hold'
                WHEN not_sent AND uncertain_count < :attempts OR silent AND uncertain_count = 1 THEN NULL
                WHEN not_sent THEN 'it was uncertain ' || uncertain_count || ' times, and never arrived'
                WHEN silent THEN 'it is uncertain for the second time, and the number has no statuses'
                WHEN given_up THEN 'it is uncertain, and statuses are late' END AS reason,
           silent AND NOT not_sent AS silent
      FROM judged
), decided AS MATERIALIZED (
    -- The limit comes after the decision, so that undecided messages never crowd out the others.
    SELECT decision.*
      FROM decision
      JOIN wa.outbox AS message USING (reference)
     WHERE decision.state IS NOT NULL AND message.state = 'uncertain'
     ORDER BY reference LIMIT :limit
       FOR UPDATE OF message SKIP LOCKED
), placed AS (
    SELECT decided.*,
           row_number() OVER (PARTITION BY message.number, message.customer, decided.state, message.scheduled
                                  ORDER BY message.seq) AS place
      FROM decided
      JOIN wa.outbox AS message USING (reference)
)
UPDATE wa.outbox AS message
   SET state = placed.state, failure_reason = placed.reason, due_at = clock_timestamp(), uncertain_since = NULL,
       -- If a later message is head of line by now, this one is next, like the second of a customer's two messages.
       turn = placed.state = 'queued'
              AND (message.turn OR message.scheduled
                   OR placed.place = 1
                      AND NOT EXISTS (SELECT FROM wa.outbox AS holder
                                   WHERE holder.number = message.number AND holder.customer = message.customer
                                     AND holder.turn AND NOT holder.scheduled)),
       possible_double = message.possible_double OR (placed.silent AND placed.state = 'queued')
  FROM placed
 WHERE message.reference = placed.reference
RETURNING message.reference, message.state, message.customer, message.number, placed.silent
