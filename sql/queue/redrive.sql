-- Put the oldest dead letters back on their queue, and notify its receivers.
WITH moved AS (
    UPDATE wa.queue_messages
       SET state = 'waiting', receives = 0, visible_at = clock_timestamp(), reason = NULL, died_at = NULL
     WHERE queue = :queue AND state = 'dead'
       AND id IN (SELECT id FROM wa.queue_messages
                   WHERE queue = :queue AND state = 'dead' ORDER BY died_at, seq LIMIT :limit)
    RETURNING id
), told AS MATERIALIZED (
    SELECT pg_notify('wa_queue', :queue) FROM moved LIMIT 1
)
SELECT moved.id FROM moved LEFT JOIN told ON TRUE
