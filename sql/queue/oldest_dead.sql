SELECT id, body, customer
  FROM wa.queue_messages
 WHERE queue = :queue AND state = 'dead'
 ORDER BY died_at, seq
 LIMIT :limit
   FOR UPDATE SKIP LOCKED
