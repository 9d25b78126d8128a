-- title:   Weekly
-- place:   5
-- about:   Messages, customers, answers and response times by week.
-- define:  Weeks begin on Monday in the time zone. Counts are stored rows of each direction, without failed ones.
-- define:  A turn belongs to the week it began in; customers are those who wrote in that week.
-- define:  Partial: the week begins before the range, or ends after it.
-- include: messages
-- include: turns
-- filter:  customer
-- param:   since   90d
-- bars:    incoming
-- details: messages
-- quiet:   partial
-- wide:    failed mean_response
-- column:  week             date     Week of
-- column:  incoming         integer  Incoming
-- column:  outgoing         integer  Outgoing
-- column:  customers        integer  Customers
-- column:  turns            integer  Turns
-- column:  answered         integer  Answered
-- column:  median_response  span     Median
-- column:  mean_response    span     Mean
-- column:  failed           integer  Failed
-- column:  partial          text     Partial

, week AS (
    SELECT day::date AS week
      FROM generate_series(date_trunc('week', CAST(:since AS timestamp) AT TIME ZONE 'UTC' AT TIME ZONE :tz),
                           (CAST(:until AS timestamp) - interval '1 microsecond') AT TIME ZONE 'UTC' AT TIME ZONE :tz,
                           '7 days') AS day
), counted AS (
    -- By key, then by person, then by week: few rows are left before the person of a key is looked up.
    SELECT week, sum(incoming)::bigint AS incoming, sum(outgoing)::bigint AS outgoing,
           count(customer) FILTER (WHERE has_written) AS customers, sum(failed)::bigint AS failed
      FROM (SELECT week, coalesce(alias.same_as, wa.person_key(key)) AS customer, sum(incoming) AS incoming,
                   sum(outgoing) AS outgoing, sum(failed) AS failed, bool_or(has_written) AS has_written
              FROM (SELECT date_trunc('week', local_at)::date AS week, key,
                           count(*) FILTER (WHERE NOT is_ours AND NOT has_failed) AS incoming,
                           count(*) FILTER (WHERE is_ours AND NOT has_failed)     AS outgoing,
                           count(*) FILTER (WHERE is_ours AND has_failed)         AS failed,
                           bool_or(NOT is_ours)                                   AS has_written
                      FROM message
                     GROUP BY 1, 2) AS by_key
              LEFT JOIN wa.contacts AS alias ON alias.customer = wa.person_key(by_key.key) AND alias.same_as IS NOT NULL
             GROUP BY 1, 2) AS person
     GROUP BY week
), answered AS (
    SELECT date_trunc('week', started_at AT TIME ZONE 'UTC' AT TIME ZONE :tz)::date AS week,
           count(*) AS turns, count(answered_at) AS answered,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - started_at)::float8) AS median,
           avg(extract(epoch FROM answered_at - started_at)::float8) AS mean
      FROM turn
     GROUP BY 1
)
SELECT week.week, coalesce(incoming, 0) AS incoming, coalesce(outgoing, 0) AS outgoing, coalesce(customers, 0) AS customers,
       coalesce(turns, 0) AS turns, coalesce(answered, 0) AS answered, median AS median_response,
       mean AS mean_response,
       coalesce(failed, 0) AS failed,
       CASE WHEN week.week::timestamp AT TIME ZONE :tz < CAST(:since AS timestamp) AT TIME ZONE 'UTC'
                 OR (week.week + 7)::timestamp AT TIME ZONE :tz
                    > least(CAST(:until AS timestamp), CAST(:now AS timestamp)) AT TIME ZONE 'UTC'
            THEN 'yes' END AS partial
  FROM week
  LEFT JOIN counted USING (week)
  LEFT JOIN answered USING (week)
 ORDER BY week.week DESC
