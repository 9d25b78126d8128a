-- bucket: the hours or days of the range, by the clock of :tz, from `start` until before `finish`. A partial one begins
-- before the range or ends after it.
bucket AS (
    SELECT start, finish,
           CASE WHEN start < CAST(:since AS timestamp) AT TIME ZONE 'UTC'
                     OR finish > least(CAST(:until AS timestamp), CAST(:now AS timestamp)) AT TIME ZONE 'UTC'
                THEN 'yes' END AS partial
      FROM (
            -- Where the clock is set by less than an hour, hours counted on from the first would miss the hours of the clock.
            SELECT start, coalesce(lead(start) OVER (ORDER BY start),
                                   CASE WHEN :by = 'day' THEN (start AT TIME ZONE :tz + interval '1 day') AT TIME ZONE :tz
                                        ELSE wa.hour_start(start + interval '90 minutes', :tz) END) AS finish
              FROM (SELECT DISTINCT CASE WHEN :by = 'day' THEN date_trunc('day', moment AT TIME ZONE :tz) AT TIME ZONE :tz
                                         ELSE wa.hour_start(moment, :tz) END AS start
                      FROM (SELECT CAST(:since AS timestamp) AT TIME ZONE 'UTC' AS first,
                                   CAST(:until AS timestamp) AT TIME ZONE 'UTC' - interval '1 microsecond' AS last) AS span
                     CROSS JOIN LATERAL (
                           SELECT generate_series(first, last, CASE WHEN :by = 'day' THEN interval '6 hours'
                                                                    ELSE interval '15 minutes' END)
                           UNION ALL SELECT last) AS step (moment)) AS begun) AS whole
)
