DELETE FROM wa.media WHERE message_id IN (SELECT message_id FROM wa.media WHERE gone_at < clock_timestamp() - :keep LIMIT :limit)
