-- title:   Messages by weekday and hour
-- about:   When customers write, and when they are answered.
-- define:  Counts are of stored rows of their direction, failed ones aside. Days and hours are in the time zone.
-- shape:   heatmap weekday hour
-- param:   since   30d
-- column:  weekday   text     Weekday
-- column:  hour      integer  Hour
-- column:  incoming  integer  Incoming
-- column:  outgoing  integer  Outgoing

SELECT (ARRAY['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'])[day.number] AS weekday,
       hour.number                                                          AS hour,
       coalesce(counted.incoming, 0)                                        AS incoming,
       coalesce(counted.outgoing, 0)                                        AS outgoing
  FROM generate_series(1, 7) AS day (number)
 CROSS JOIN generate_series(0, 23) AS hour (number)
  LEFT JOIN (
       SELECT extract(isodow FROM local.at)::int AS day, extract(hour FROM local.at)::int AS hour,
              count(*) FILTER (WHERE direction IS DISTINCT FROM 'outgoing') AS incoming,
              count(*) FILTER (WHERE direction = 'outgoing')                AS outgoing
         FROM whatsapp_messages
        CROSS JOIN LATERAL (SELECT timestamp AT TIME ZONE 'UTC' AT TIME ZONE :tz AS at) AS local
        WHERE timestamp >= :since AND timestamp < :until AND status IS DISTINCT FROM 'failed'
        GROUP BY 1, 2) AS counted
    ON counted.day = day.number AND counted.hour = hour.number
 ORDER BY day.number, hour.number
