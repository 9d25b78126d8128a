SELECT reference FROM wa.outbox
 WHERE state = 'queued' AND expires_at <= clock_timestamp()
 ORDER BY reference LIMIT :limit
