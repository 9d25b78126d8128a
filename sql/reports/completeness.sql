-- title:   Completeness
-- place:   8
-- about:   The share of outgoing messages in each conversation.
-- define:  A share of 0 means that no message of the business is stored.
-- define:  Counts are of stored rows of their direction, failed ones aside; the share is of outgoing rows among all.
-- include: messages
-- filter:  customer
-- param:   since   7d
-- param:   limit   20
-- details: messages
-- column:  customer  phone    Customer
-- column:  name      text     Name
-- column:  incoming  integer  Incoming
-- column:  outgoing  integer  Outgoing
-- column:  total     integer  Total
-- column:  share     percent  Outgoing %
-- column:  last_at   instant  Last

SELECT counted.customer, contact.name, counted.incoming, counted.outgoing, counted.total,
       counted.outgoing::float8 / counted.total AS share, counted.last_at
  FROM (SELECT customer, count(*) FILTER (WHERE NOT is_ours) AS incoming, count(*) FILTER (WHERE is_ours) AS outgoing,
               count(*) AS total, max(instant) AS last_at
          FROM message
         WHERE NOT has_failed AND customer IS NOT NULL
         GROUP BY customer) AS counted
  LEFT JOIN wa.contacts AS contact ON contact.customer = counted.customer
 ORDER BY counted.total DESC, counted.customer
 LIMIT :limit
