DELETE FROM wa.queue_messages WHERE queue = :queue AND state = 'dead' AND id = :id
