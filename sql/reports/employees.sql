-- title:   Employees
-- place:   7
-- about:   Messages, customers, types of messages and response times by employee.
-- define:  Counts are outgoing rows without failed ones and campaigns. Campaign messages have their own column.
-- define:  Messages without an employee are a row of their own.
-- define:  A response is the first answer of a turn. It counts for its sender and for the day the turn began on.
-- include: messages
-- include: turns
-- include: names
-- filter:  employee
-- by:      day employee
-- page:    employee
-- param:   since   30d
-- param:   limit   1000
-- details: written
-- quiet:   campaign
-- shown:   day by day
-- column:  day              date     Day
-- column:  employee         text     Employee
-- column:  messages         integer  Messages
-- column:  customers        integer  Customers
-- column:  texts            integer  Text
-- column:  images           integer  Image
-- column:  documents        integer  Doc.
-- column:  others           integer  Other
-- column:  average_length   number   Length
-- column:  campaign         integer  Campaign
-- column:  responses        integer  Answers
-- column:  median_response  span     Median

, written AS (
    -- By person first: to count them so is cheaper than count(DISTINCT).
    SELECT day, employee_id, sum(messages)::bigint AS messages, sum(campaign)::bigint AS campaign,
           count(customer) FILTER (WHERE messages > 0) AS customers, sum(texts)::bigint AS texts,
           sum(images)::bigint AS images, sum(documents)::bigint AS documents, sum(others)::bigint AS others,
           sum(length)::float8 / nullif(sum(written), 0) AS average_length
      FROM (SELECT CASE WHEN :by = 'day' THEN local_at::date END AS day, employee_id, customer,
                   count(*) FILTER (WHERE is_written) AS messages, count(*) FILTER (WHERE NOT is_written) AS campaign,
                   count(*) FILTER (WHERE is_written AND message_type = 'text') AS texts,
                   count(*) FILTER (WHERE is_written AND message_type = 'image') AS images,
                   count(*) FILTER (WHERE is_written AND message_type = 'document') AS documents,
                   count(*) FILTER (WHERE is_written AND message_type NOT IN ('text', 'image', 'document')) AS others,
                   count(content) FILTER (WHERE is_written AND message_type = 'text') AS written,
                   sum(length(content)) FILTER (WHERE is_written AND message_type = 'text') AS length
              FROM (SELECT message.*, sent_by <> 'campaign' AS is_written FROM message) AS message
             WHERE is_ours AND NOT has_failed
             GROUP BY 1, 2, 3) AS person
     GROUP BY day, employee_id
), answered AS (
    SELECT CASE WHEN :by = 'day' THEN (started_at AT TIME ZONE 'UTC' AT TIME ZONE :tz)::date END AS day, employee_id,
           count(*) AS responses,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - started_at)::float8) AS median
      FROM turn
     WHERE answered_at IS NOT NULL
       AND (CAST(:employee AS uuid) IS NULL OR employee_id = CAST(:employee AS uuid))
     GROUP BY 1, 2
)
SELECT both_sides.day,
       coalesce(employee.name, both_sides.employee_id::text, 'unknown') AS employee,
       coalesce(both_sides.messages, 0)  AS messages,
       coalesce(both_sides.customers, 0) AS customers,
       coalesce(both_sides.texts, 0)     AS texts,
       coalesce(both_sides.images, 0)    AS images,
       coalesce(both_sides.documents, 0) AS documents,
       coalesce(both_sides.others, 0)    AS others,
       both_sides.average_length,
       coalesce(both_sides.campaign, 0)  AS campaign,
       coalesce(both_sides.responses, 0) AS responses,
       both_sides.median                 AS median_response
  FROM (SELECT coalesce(written.day, answered.day) AS day, coalesce(written.employee_id, answered.employee_id) AS employee_id,
               messages, customers, texts, images, documents, others, average_length, campaign, responses, median
          FROM (SELECT *, coalesce(employee_id::text, '') AS who, coalesce(day, '-infinity') AS on_day FROM written) AS written
          FULL JOIN (SELECT *, coalesce(employee_id::text, '') AS who, coalesce(day, '-infinity') AS on_day
                       FROM answered) AS answered
            USING (on_day, who)) AS both_sides
  LEFT JOIN named AS employee ON employee.id = both_sides.employee_id
 ORDER BY both_sides.day DESC NULLS LAST, messages DESC, employee
 LIMIT :limit
