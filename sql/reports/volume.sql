-- title:   Volume
-- place:   4
-- about:   Messages in each direction by hour or day, and the stored share.
-- define:  Counts are of stored rows of their direction, failed ones aside. Hours and days are in the time zone.
-- define:  Stored: the stored share of the messages that the API accepted in that time. The goal is 100 %. It is
-- define:  of the whole number and not shown for one customer or employee.
-- define:  Partial: the hour or day begins before the range, or ends after it.
-- include: messages
-- include: buckets
-- include: accepted
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

, counted AS (
    SELECT start, sum(incoming)::bigint AS incoming, sum(outgoing)::bigint AS outgoing
      FROM (SELECT CASE WHEN :by = 'day' THEN date_trunc('day', local_at) AT TIME ZONE :tz
                        ELSE wa.hour_start(min(instant), :tz) END AS start,
                   count(*) FILTER (WHERE NOT is_ours) AS incoming, count(*) FILTER (WHERE is_ours) AS outgoing
              FROM message
             WHERE NOT has_failed
             GROUP BY date_trunc('day', local_at), CASE WHEN :by = 'hour' THEN floor(extract(epoch FROM instant) / 900) END) AS part
     GROUP BY start
), kept AS (
    SELECT start, avg(is_stored::int)::float8 AS stored
      FROM accepted
     WHERE CAST(:customer AS text) IS NULL AND CAST(:employee AS uuid) IS NULL
     GROUP BY start
)
SELECT bucket.start                                                           AS at,
       coalesce(counted.incoming, 0)                                          AS incoming,
       coalesce(counted.outgoing, 0)                                          AS outgoing,
       coalesce(counted.incoming, 0) + coalesce(counted.outgoing, 0)          AS total,
       kept.stored,
       bucket.partial
  FROM bucket
  LEFT JOIN counted USING (start)
  LEFT JOIN kept USING (start)
 ORDER BY bucket.start
