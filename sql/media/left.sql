SELECT (SELECT count(*) FROM wa.media WHERE state = 'waiting' AND due_at <= clock_timestamp()) AS due,
       (SELECT count(*) FROM wa.media WHERE state = 'waiting' AND due_at > clock_timestamp())  AS waiting,
       (SELECT count(*) FROM wa.media WHERE state = 'lost')                                    AS lost
