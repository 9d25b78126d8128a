-- title:   Message types
-- place:   11
-- about:   Messages by type and direction: texts, images, templates and the rest.
-- define:  Counts are stored rows of each direction, without failed ones. The share is of all of them.
-- include: messages
-- filter:  customer employee
-- param:   since   7d
-- param:   limit   100
-- details: messages
-- column:  type      text     Type
-- column:  incoming  integer  Incoming
-- column:  outgoing  integer  Outgoing
-- column:  total     integer  Total
-- column:  share     percent  Share

SELECT message_type                                  AS type,
       count(*) FILTER (WHERE NOT is_ours)           AS incoming,
       count(*) FILTER (WHERE is_ours)               AS outgoing,
       count(*)                                      AS total,
       count(*)::float8 / sum(count(*)) OVER ()      AS share
  FROM message
 WHERE NOT has_failed
 GROUP BY message_type
 ORDER BY total DESC, message_type
 LIMIT :limit
