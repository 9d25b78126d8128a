-- title:   Response times
-- place:   3
-- about:   Response times to customers, and open turns.
-- define:  A turn starts at a customer's first unanswered message or missed call to a business number.
-- define:  It ends at the next message that a person sends them from that number and that did not fail.
-- define:  Its length is the response time. Later messages to the customer, campaigns and automatic messages do not count.
-- define:  First automatic: the median to the first automatic message of a turn, where one came before a person answered.
-- define:  A turn belongs to the range it began in; percentiles interpolate.
-- define:  Open turns are counted too: without them, ignoring customers would improve the figures.
-- define:  Working median and p90 count business hours only (--business-hours, WA_BUSINESS_HOURS). Other times are clock times.
-- define:  --fail-above judges p90, and the wait of every open turn of any age; with business hours, the working times of both.
-- define:  Open turns are not shown for one employee, since they do not belong to an employee yet.
-- include: turns
-- include: names
-- filter:  customer employee
-- by:      all customer employee team day hour
-- param:   since   30d
-- param:   limit   1000
-- bars:    p50
-- details: turns
-- threshold: p90 above
-- working: working_p90
-- alarm:   open_turns
-- quiet:   automatic_p50
-- wide:    longest_wait max mean min p95 turns working_p50 automatic_p50
-- shown:   what by customer employee team day hour
-- shown:   name by customer
-- shown:   working_p50 working_p90 with business-hours
-- shown:   waiting longest_wait without employee
-- phones:  what by customer
-- column:  what          text     By
-- column:  name          text     Name
-- column:  turns         integer  Turns
-- column:  answered      integer  Answered
-- column:  min           span     Shortest
-- column:  mean          span     Mean
-- column:  p50           span     Median
-- column:  p90           span     p90
-- column:  p95           span     p95
-- column:  max           span     Longest
-- column:  working_p50   span     Working median
-- column:  working_p90   span     Working p90
-- column:  automatic_p50 span     First automatic
-- column:  waiting       integer  Waiting
-- column:  longest_wait  span     Longest wait

, automatic AS (
    SELECT coalesce(alias.same_as, wa.person_key(sent.key)) AS customer, sent.at
      FROM (SELECT wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id) AS key, timestamp::timestamp AS at
              FROM whatsapp_messages
             WHERE timestamp >= :since AND timestamp < :until AND direction = 'outgoing'
               AND wa.sent_by(sent_by, campaign, message_type::text) = 'automatic' AND status::text IS DISTINCT FROM 'failed'
            OFFSET 0) AS sent
      LEFT JOIN wa.contacts AS alias ON alias.customer = wa.person_key(sent.key) AND alias.same_as IS NOT NULL
), automated AS (
    -- What follows the start of a turn before anything else of that customer is its first automatic message.
    SELECT customer, started_at, answered_at, employee_id,
           CASE WHEN is_automatic_next AND next_at <= coalesce(answered_at, 'infinity') THEN next_at END AS automatic_at
      FROM (SELECT told.*, lead(is_automatic) OVER story AS is_automatic_next, lead(started_at) OVER story AS next_at
              FROM (SELECT customer, started_at, answered_at, employee_id, FALSE AS is_automatic FROM turn
                    UNION ALL
                    SELECT customer, at, NULL, NULL, TRUE FROM automatic) AS told
            WINDOW story AS (PARTITION BY customer COLLATE "C" ORDER BY started_at, is_automatic)) AS placed
     WHERE NOT is_automatic
), measured AS (
    SELECT CASE :by WHEN 'customer' THEN turn.customer
                    WHEN 'employee' THEN CASE WHEN answered_at IS NULL THEN 'unanswered'
                                              ELSE coalesce(employee.name, turn.employee_id::text, 'unknown') END
                    WHEN 'team' THEN CASE WHEN answered_at IS NULL THEN 'unanswered' WHEN turn.employee_id IS NULL THEN 'unknown'
                                          ELSE coalesce(employee.team, 'no team') END
                    WHEN 'day' THEN to_char(started_at AT TIME ZONE 'UTC' AT TIME ZONE :tz, 'YYYY-MM-DD')
                    WHEN 'hour' THEN to_char(started_at AT TIME ZONE 'UTC' AT TIME ZONE :tz, 'HH24:00')
                    ELSE 'all' END AS what,
           contact.name, started_at, answered_at,
           extract(epoch FROM answered_at - started_at)::float8 AS seconds,
           extract(epoch FROM automatic_at - started_at)::float8 AS automatic,
           CASE WHEN CAST(:open AS text) IS NOT NULL AND answered_at IS NOT NULL THEN (
               SELECT coalesce(sum(extract(epoch FROM least(answered_at, span.finish) - greatest(started_at, span.start))), 0)
                 FROM json_to_recordset(CAST(:open AS json)) AS span (start timestamp, finish timestamp)
                WHERE span.finish > started_at AND span.start < answered_at) END::float8 AS working
      FROM automated AS turn
      LEFT JOIN named AS employee ON :by IN ('employee', 'team') AND employee.id = turn.employee_id
      LEFT JOIN wa.contacts AS contact ON :by = 'customer' AND contact.customer = turn.customer
     WHERE CAST(:employee AS uuid) IS NULL OR turn.employee_id = CAST(:employee AS uuid)
)
SELECT coalesce(what, 'all')                                                                AS what,
       max(name)                                                                            AS name,
       count(started_at)                                                                    AS turns,
       count(answered_at)                                                                   AS answered,
       min(seconds)                                                                         AS min,
       avg(seconds)                                                                         AS mean,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY seconds)                                AS p50,
       percentile_cont(0.90) WITHIN GROUP (ORDER BY seconds)                                AS p90,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds)                                AS p95,
       max(seconds)                                                                         AS max,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY working)                                AS working_p50,
       percentile_cont(0.90) WITHIN GROUP (ORDER BY working)                                AS working_p90,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY automatic)                              AS automatic_p50,
       count(*) FILTER (WHERE answered_at IS NULL AND started_at IS NOT NULL)               AS waiting,
       extract(epoch FROM CAST(:now AS timestamp) - min(started_at) FILTER (WHERE answered_at IS NULL))::float8
                                                                                            AS longest_wait
  FROM measured
 GROUP BY GROUPING SETS ((what), ())
-- One row for all, also without any turn; or one for each.
HAVING (grouping(what) = 1) = (:by = 'all')
 ORDER BY CASE WHEN :by IN ('day', 'hour') THEN what END, answered DESC, what
 LIMIT :limit
