-- about:   Rows that start and end no turn or are not counted, with the reason.
-- include: messages

SELECT count(*) FILTER (WHERE is_ours AND has_failed)                   AS "outgoing rows that failed",
       count(*) FILTER (WHERE message_type = 'reaction')                AS "reactions, in turns",
       count(*) FILTER (WHERE message_type IN ('edit', 'revoke'))       AS "edits and deletions, in turns",
       count(*) FILTER (WHERE message_type = 'call')                    AS "answered calls, in turns",
       count(*) FILTER (WHERE message_type = 'system')                  AS "system rows, in turns",
       count(*) FILTER (WHERE campaign IS NOT NULL)                     AS "campaign and imported rows, in turns",
       count(*) FILTER (WHERE sent_by = 'automatic')                    AS "automatic messages, in turns",
       count(*) FILTER (WHERE customer IS NULL)                         AS "rows without a customer"
  FROM message
