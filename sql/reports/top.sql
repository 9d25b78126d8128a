-- title:   Most active conversations
-- place:   12
-- about:   Conversations with the most messages.
-- define:  Counts are stored rows of each direction, without failed ones. Only conversations of more than 5 messages.
-- define:  The duration is from the first to the last message of the range.
-- note:    Only conversations of more than 5 messages.
-- include: messages
-- filter:  customer
-- param:   since   7d
-- param:   limit   10
-- wide:    duration first_at
-- column:  customer  phone    Customer
-- column:  name      text     Name
-- column:  messages  integer  Messages
-- column:  incoming  integer  Incoming
-- column:  outgoing  integer  Outgoing
-- column:  first_at  instant  First
-- column:  last_at   instant  Last
-- column:  duration  span     Duration

SELECT counted.customer, contact.name, counted.messages, counted.incoming, counted.outgoing, counted.first_at,
       counted.last_at, extract(epoch FROM counted.last_at - counted.first_at)::float8 AS duration
  FROM (SELECT customer, count(*) AS messages, count(*) FILTER (WHERE NOT is_ours) AS incoming,
               count(*) FILTER (WHERE is_ours) AS outgoing, min(instant) AS first_at, max(instant) AS last_at
          FROM message
         WHERE NOT has_failed AND customer IS NOT NULL
         GROUP BY customer
        HAVING count(*) > 5) AS counted
  LEFT JOIN wa.contacts AS contact ON contact.customer = counted.customer
 ORDER BY counted.messages DESC, counted.customer
 LIMIT :limit
