-- title:   Employees
-- place:   7
-- about:   Messages, customers, types of messages and response times by employee.
-- define:  Counts are outgoing rows without failed ones and campaigns. Campaign messages have their own column.
-- define:  Messages without an employee are a row of their own, and so are employees without a team by team.
-- define:  The share is of the messages of the same day, or of all. That of unknown is the share without an employee.
-- define:  By total: all employees together, by day.
-- define:  A former employee keeps the credit. Names and teams are those of today.
-- define:  A response is the first answer of a turn. It counts for its sender and for the day the turn began on.
-- include: messages
-- include: turns
-- include: names
-- filter:  employee
-- by:      day employee team total
-- page:    employee
-- param:   since   30d
-- param:   limit   1000
-- details: written
-- quiet:   campaign team
-- wide:    responses median_response texts average_length images documents others campaign
-- shown:   day by day total
-- shown:   employee by day employee
-- shown:   share without employee
-- shown:   team by day employee team
-- column:  day              date     Day
-- column:  employee         text     Employee
-- column:  team             text     Team
-- column:  messages         integer  Messages
-- column:  share            percent  Share
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
    SELECT day, who, sum(messages)::bigint AS messages, sum(campaign)::bigint AS campaign,
           count(customer) FILTER (WHERE messages > 0) AS customers, sum(texts)::bigint AS texts,
           sum(images)::bigint AS images, sum(documents)::bigint AS documents, sum(others)::bigint AS others,
           sum(length)::float8 / nullif(sum(written), 0) AS average_length
      FROM (SELECT CASE WHEN :by IN ('day', 'total') THEN local_at::date END AS day, who, customer,
                   count(*) FILTER (WHERE is_written) AS messages, count(*) FILTER (WHERE NOT is_written) AS campaign,
                   count(*) FILTER (WHERE is_written AND message_type = 'text') AS texts,
                   count(*) FILTER (WHERE is_written AND message_type = 'image') AS images,
                   count(*) FILTER (WHERE is_written AND message_type = 'document') AS documents,
                   count(*) FILTER (WHERE is_written AND message_type NOT IN ('text', 'image', 'document')) AS others,
                   count(content) FILTER (WHERE is_written AND message_type = 'text') AS written,
                   sum(length(content)) FILTER (WHERE is_written AND message_type = 'text') AS length
              FROM (SELECT message.*, sent_by <> 'campaign' AS is_written,
                           CASE WHEN :by = 'team' AND employee_id IS NOT NULL THEN coalesce(member.team, 'no team')
                                WHEN :by <> 'total' THEN employee_id::text END AS who
                      FROM message
                      LEFT JOIN named AS member ON :by = 'team' AND member.id = message.employee_id) AS message
             WHERE is_ours AND NOT has_failed
             GROUP BY 1, 2, 3) AS person
     GROUP BY day, who
), answered AS (
    SELECT CASE WHEN :by IN ('day', 'total') THEN (started_at AT TIME ZONE 'UTC' AT TIME ZONE :tz)::date END AS day,
           CASE WHEN :by = 'team' AND employee_id IS NOT NULL THEN coalesce(member.team, 'no team')
                WHEN :by <> 'total' THEN employee_id::text END AS who,
           count(*) AS responses,
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - started_at)::float8) AS median
      FROM turn
      LEFT JOIN named AS member ON :by = 'team' AND member.id = turn.employee_id
     WHERE answered_at IS NOT NULL
       AND (CAST(:employee AS uuid) IS NULL OR employee_id = CAST(:employee AS uuid))
     GROUP BY 1, 2
)
SELECT both_sides.day,
       CASE WHEN :by <> 'team' THEN coalesce(employee.name, both_sides.who, 'unknown') END AS employee,
       CASE WHEN :by = 'team' THEN coalesce(both_sides.who, 'unknown') ELSE employee.team END AS team,
       coalesce(both_sides.messages, 0)  AS messages,
       coalesce(both_sides.messages / nullif(sum(both_sides.messages) OVER (PARTITION BY both_sides.day), 0), 0)::float8 AS share,
       coalesce(both_sides.customers, 0) AS customers,
       coalesce(both_sides.texts, 0)     AS texts,
       coalesce(both_sides.images, 0)    AS images,
       coalesce(both_sides.documents, 0) AS documents,
       coalesce(both_sides.others, 0)    AS others,
       both_sides.average_length,
       coalesce(both_sides.campaign, 0)  AS campaign,
       coalesce(both_sides.responses, 0) AS responses,
       both_sides.median                 AS median_response
  FROM (SELECT coalesce(written.day, answered.day) AS day, coalesce(written.who, answered.who) AS who,
               messages, customers, texts, images, documents, others, average_length, campaign, responses, median
          FROM (SELECT *, coalesce(who, '') AS any_who, coalesce(day, '-infinity') AS on_day FROM written) AS written
          FULL JOIN (SELECT *, coalesce(who, '') AS any_who, coalesce(day, '-infinity') AS on_day
                       FROM answered) AS answered
            USING (on_day, any_who)) AS both_sides
  LEFT JOIN named AS employee ON :by <> 'team' AND employee.id::text = both_sides.who
 ORDER BY both_sides.day DESC NULLS LAST, messages DESC, employee, team
 LIMIT :limit
