SELECT true FROM wa.queue_messages
 WHERE queue = :queue AND id = :id AND token = CAST(:token AS uuid)
   FOR UPDATE
