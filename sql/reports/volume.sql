-- title:   Volume
-- place:   4
-- about:   Messages in each direction by hour or day, and the stored share.
-- define:  Counts are of stored rows of their direction, failed ones aside. Hours and days are in the time zone.
-- define:  Stored: the stored share of the messages that the API accepted in that time. The goal is 100 %. It is
-- define:  of the whole number and not shown for one customer or employee.
-- define:  Partial: the hour or day begins before the range, or ends after it.
-- include: messages
-- filter:  customer employee
-- by:      hour day
-- param:   since   24h
-- bars:    total
-- details: messages
-- quiet:   partial
-- column:  at        period   Start
-- column:  incoming  integer  Incoming
-- column:  outgoing  integer  Outgoing
-- column:  total     integer  Total
-- column:  stored    percent  Stored
-- column:  partial   text     Partial

, bucket AS (
    -- Where the clock is set by less than an hour, hours counted on from the first would miss the hours of the clock.
    SELECT start, coalesce(lead(start) OVER (ORDER BY start),
                           CASE WHEN :by = 'day' THEN (start AT TIME ZONE :tz + interval '1 day') AT TIME ZONE :tz
                                ELSE wa.hour_start(start + interval '90 minutes', :tz) END) AS finish
      FROM (SELECT DISTINCT CASE WHEN :by = 'day' THEN date_trunc('day', moment AT TIME ZONE :tz) AT TIME ZONE :tz
                         ELSE wa.hour_start(moment, :tz) END AS start
      FROM (SELECT CAST(:since AS timestamp) AT TIME ZONE 'UTC' AS first,
                   CAST(:until AS timestamp) AT TIME ZONE 'UTC' - interval '1 microsecond' AS last) AS span
     CROSS JOIN LATERAL (
           SELECT generate_series(first, last, CASE WHEN :by = 'day' THEN interval '6 hours' ELSE interval '15 minutes' END)
           UNION ALL SELECT last) AS step (moment)) AS begun
), counted AS (
    SELECT start, sum(incoming)::bigint AS incoming, sum(outgoing)::bigint AS outgoing
      FROM (SELECT CASE WHEN :by = 'day' THEN date_trunc('day', local_at) AT TIME ZONE :tz
                        ELSE wa.hour_start(min(instant), :tz) END AS start,
                   count(*) FILTER (WHERE NOT is_ours) AS incoming, count(*) FILTER (WHERE is_ours) AS outgoing
              FROM message
             WHERE NOT has_failed
             GROUP BY date_trunc('day', local_at), CASE WHEN :by = 'hour' THEN floor(extract(epoch FROM instant) / 900) END) AS part
     GROUP BY start
), kept AS (
    SELECT CASE WHEN :by = 'day' THEN date_trunc('day', attempt.made_at AT TIME ZONE :tz) AT TIME ZONE :tz
                ELSE wa.hour_start(attempt.made_at, :tz) END AS start,
           count(*) AS accepted, count(stored.message_id) AS stored
      FROM (SELECT wamid, min(coalesce(answered_at, created_at)) AS made_at FROM wa.send_attempts
             WHERE wamid IS NOT NULL AND created_at >= CAST(:since AS timestamp) AT TIME ZONE 'UTC' - interval '5 minutes'
               AND coalesce(answered_at, created_at) >= CAST(:since AS timestamp) AT TIME ZONE 'UTC'
               AND coalesce(answered_at, created_at) < CAST(:until AS timestamp) AT TIME ZONE 'UTC'
               AND CAST(:customer AS text) IS NULL AND CAST(:employee AS uuid) IS NULL
             GROUP BY wamid) AS attempt  -- an answer that waited in the spool was recorded late, never early
      LEFT JOIN whatsapp_messages AS stored ON stored.message_id = attempt.wamid
     GROUP BY 1
)
SELECT bucket.start                                                           AS at,
       coalesce(counted.incoming, 0)                                          AS incoming,
       coalesce(counted.outgoing, 0)                                          AS outgoing,
       coalesce(counted.incoming, 0) + coalesce(counted.outgoing, 0)          AS total,
       kept.stored::float8 / nullif(kept.accepted, 0)                         AS stored,
       CASE WHEN bucket.start < CAST(:since AS timestamp) AT TIME ZONE 'UTC'
                 OR lead(bucket.start, 1, bucket.finish) OVER (ORDER BY bucket.start)
                    > least(CAST(:until AS timestamp), CAST(:now AS timestamp)) AT TIME ZONE 'UTC'
            THEN 'yes' END                                                    AS partial
  FROM bucket
  LEFT JOIN counted USING (start)
  LEFT JOIN kept USING (start)
 ORDER BY bucket.start
