SELECT id, body, customer
  FROM wa.queue_messages
 WHERE queue = :queue AND state = 'dead'
 ORDER BY died_at, seq
 LIMIT 1
   FOR UPDATE SKIP LOCKED
