-- title:   Message types
-- place:   11
-- about:   Messages by type and direction: texts, images, templates and the rest.
-- define:  Counts are stored rows of each direction, without failed ones.
-- define:  The shares are of all messages, and of those of the direction. The length is the mean of texts in characters.
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
-- column:  incoming_share  percent  Of incoming
-- column:  outgoing_share  percent  Of outgoing
-- column:  average_length  number   Length

SELECT message_type                                  AS type,
       count(*) FILTER (WHERE NOT is_ours)           AS incoming,
       count(*) FILTER (WHERE is_ours)               AS outgoing,
       count(*)                                      AS total,
       count(*)::float8 / sum(count(*)) OVER ()      AS share,
       count(*) FILTER (WHERE NOT is_ours)::float8 / nullif(sum(count(*) FILTER (WHERE NOT is_ours)) OVER (), 0) AS incoming_share,
       count(*) FILTER (WHERE is_ours)::float8 / nullif(sum(count(*) FILTER (WHERE is_ours)) OVER (), 0) AS outgoing_share,
       avg(length(content))::float8                  AS average_length
  FROM message
 WHERE NOT has_failed
 GROUP BY message_type
 ORDER BY total DESC, message_type
 LIMIT :limit
