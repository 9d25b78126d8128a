-- Rows of [:since, :until) that no turn begins or ends with, or that are not counted, and why.
SELECT count(*) FILTER (WHERE direction = 'outgoing' AND status = 'failed')  AS "outgoing rows that failed",
       count(*) FILTER (WHERE message_type = 'reaction')                     AS "reactions, in turns",
       count(*) FILTER (WHERE message_type IN ('edit', 'revoke'))            AS "edits and deletions, in turns",
       count(*) FILTER (WHERE message_type = 'system')                       AS "system rows, in turns",
       count(*) FILTER (WHERE campaign IS NOT NULL)                          AS "bulk and imported rows, in turns",
       count(*) FILTER (WHERE wa.customer_key(direction, from_phone, to_phone, customer_user_id) IS NULL)
                                                                             AS "rows without a customer"
  FROM whatsapp_messages
 WHERE timestamp >= :since AND timestamp < :until
