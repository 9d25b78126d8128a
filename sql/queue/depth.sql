SELECT count(*) FILTER (WHERE visible_at <= clock_timestamp())                       AS waiting,
       count(*) FILTER (WHERE visible_at > clock_timestamp() AND token IS NOT NULL)  AS in_flight,
       count(*) FILTER (WHERE visible_at > clock_timestamp() AND token IS NULL)      AS delayed,
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at)
           FILTER (WHERE visible_at <= clock_timestamp())), 0)::float                AS oldest_seconds
  FROM wa.queue_messages
 WHERE queue = :queue AND state = 'waiting'
