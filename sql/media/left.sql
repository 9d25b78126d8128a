SELECT count(*) FILTER (WHERE state = 'waiting' AND due_at <= clock_timestamp()) AS due,
       count(*) FILTER (WHERE state = 'waiting' AND due_at > clock_timestamp())  AS waiting,
       count(*) FILTER (WHERE state = 'lost')                                    AS lost
  FROM wa.media
 WHERE state <> 'saved'
