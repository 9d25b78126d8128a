SELECT count(*) FILTER (WHERE state = 'queued' AND due_at <= clock_timestamp())                            AS waiting,
       count(*) FILTER (WHERE state = 'sending')                                                           AS in_flight,
       count(*) FILTER (WHERE state = 'queued' AND due_at > clock_timestamp() OR state IN ('uncertain', 'held')) AS delayed,
       coalesce(extract(epoch FROM clock_timestamp() - min(greatest(queued_at, due_at))
           FILTER (WHERE state = 'queued' AND due_at <= clock_timestamp())), 0)::float                     AS oldest_seconds
  FROM wa.outbox
 WHERE state IN ('queued', 'sending', 'uncertain', 'held')
