-- about:   Rows that no turn begins or ends with, or that are not counted, and why.
-- include: messages

SELECT count(*) FILTER (WHERE is_ours AND has_failed)                   AS "outgoing rows that failed",
       count(*) FILTER (WHERE message_type = 'reaction')                AS "reactions, in turns",
       count(*) FILTER (WHERE message_type IN ('edit', 'revoke'))       AS "edits and deletions, in turns",
       count(*) FILTER (WHERE message_type = 'system')                  AS "system rows, in turns",
       count(*) FILTER (WHERE campaign IS NOT NULL)                     AS "bulk and imported rows, in turns",
       count(*) FILTER (WHERE customer IS NULL)                         AS "rows without a customer"
  FROM message
