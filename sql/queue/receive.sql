-- The oldest messages that are free, of customers without an earlier message that is held or delayed. Busy customers
-- are found with the statement's time, for which there is an index. The next messages are found with the clock's
-- time, without an index, so that the walk follows the order.
WITH busy AS MATERIALIZED (
    SELECT DISTINCT customer
      FROM wa.queue_messages
     WHERE queue = :queue AND state = 'waiting' AND visible_at > statement_timestamp() AND customer IS NOT NULL
), ready AS MATERIALIZED (
    SELECT queue, id
      FROM wa.queue_messages
     WHERE queue = :queue AND state = 'waiting' AND visible_at <= clock_timestamp()
       AND (customer IS NULL OR customer NOT IN (SELECT customer FROM busy))
     ORDER BY seq
     LIMIT :limit
       FOR UPDATE SKIP LOCKED
), held AS (
    UPDATE wa.queue_messages AS message
       SET token = gen_random_uuid(), receives = receives + 1, visible_at = clock_timestamp() + :lease
      FROM ready
     WHERE message.queue = ready.queue AND message.id = ready.id
    RETURNING message.id, message.body, message.receives, message.customer, message.token::text AS token, message.seq
)
SELECT id, body, receives, customer, token FROM held ORDER BY seq
