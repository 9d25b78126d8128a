SELECT id, body, reason, died_at
  FROM wa.queue_messages
 WHERE queue = :queue AND state = 'dead'
 ORDER BY died_at DESC, seq DESC
 LIMIT :limit
