-- Messages that would be lost with wa's own tables: unfinished ones, waiting ones of a queue, and dead letters.
SELECT (SELECT count(*) FROM wa.outbox WHERE final_at IS NULL) AS unfinished,
       (SELECT count(*) FROM wa.queue_messages WHERE state = 'waiting') AS waiting,
       (SELECT count(*) FROM wa.queue_messages WHERE state = 'dead') AS dead
