-- title:   Weekdays and hours
-- place:   6
-- about:   Messages and response times by weekday and hour.
-- define:  Counts are stored rows of each direction, without failed ones. Days and hours are in the time zone.
-- define:  Days: the number of such weekdays in the range at that hour. 30 days contain two weekdays five times.
-- define:  Response: the median time to the answer of turns that began in that hour.
-- shape:   heatmap weekday hour
-- by:      counts response
-- page:    response
-- include: messages
-- include: turns
-- filter:  customer employee
-- param:   since   30d
-- details: messages
-- quiet:   days
-- shown:   response by response
-- column:  weekday   text     Weekday
-- column:  hour      integer  Hour
-- column:  incoming  integer  Incoming
-- column:  outgoing  integer  Outgoing
-- column:  response  span     Response time
-- column:  days      integer  Days

SELECT (ARRAY['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'])[day.number] AS weekday,
       hour.number                                                          AS hour,
       coalesce(counted.incoming, 0)                                        AS incoming,
       coalesce(counted.outgoing, 0)                                        AS outgoing,
       answered.response,
       coalesce(spanned.days, 0)                                            AS days
  FROM generate_series(1, 7) AS day (number)
 CROSS JOIN generate_series(0, 23) AS hour (number)
  LEFT JOIN (
       SELECT extract(isodow FROM local_at)::int AS day, extract(hour FROM local_at)::int AS hour,
              count(*) FILTER (WHERE NOT is_ours) AS incoming, count(*) FILTER (WHERE is_ours) AS outgoing
         FROM message
        WHERE NOT has_failed
        GROUP BY 1, 2) AS counted
    ON counted.day = day.number AND counted.hour = hour.number
  LEFT JOIN (
       SELECT extract(isodow FROM local.at)::int AS day, extract(hour FROM local.at)::int AS hour,
              percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - started_at)::float8) AS response
         FROM turn
        CROSS JOIN LATERAL (SELECT started_at AT TIME ZONE 'UTC' AT TIME ZONE :tz AS at) AS local
        WHERE :by = 'response' AND answered_at IS NOT NULL  -- else no turn is looked for
          AND (CAST(:employee AS uuid) IS NULL OR employee_id = CAST(:employee AS uuid))
        GROUP BY 1, 2) AS answered
    ON answered.day = day.number AND answered.hour = hour.number
  LEFT JOIN (
       SELECT extract(isodow FROM clock)::int AS day, extract(hour FROM clock)::int AS hour, count(DISTINCT clock::date) AS days
         FROM generate_series(CAST(:since AS timestamp) AT TIME ZONE 'UTC', CAST(:until AS timestamp) AT TIME ZONE 'UTC',
                              interval '30 minutes') AS step (moment)
        CROSS JOIN LATERAL (SELECT moment AT TIME ZONE :tz AS clock) AS local
        GROUP BY 1, 2) AS spanned
    ON spanned.day = day.number AND spanned.hour = hour.number
 ORDER BY day.number, hour.number
