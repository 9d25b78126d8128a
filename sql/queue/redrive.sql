-- Put the oldest dead letters back on their queue.
UPDATE wa.queue_messages
   SET state = 'waiting', receives = 0, visible_at = clock_timestamp(), reason = NULL, died_at = NULL
 WHERE queue = :queue AND state = 'dead'
   AND id IN (SELECT id FROM wa.queue_messages
               WHERE queue = :queue AND state = 'dead' ORDER BY died_at, seq LIMIT :limit)
RETURNING id
