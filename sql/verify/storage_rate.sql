-- Messages that the API accepted since then, those that are stored, and some of the missing ones.
SELECT count(*) AS accepted,
       count(message.message_id) AS stored,
       (array_agg(attempt.wamid ORDER BY attempt.created_at DESC) FILTER (WHERE message.message_id IS NULL))[1\:5] AS missing
  FROM (SELECT DISTINCT ON (wamid) wamid, created_at FROM wa.send_attempts
         WHERE wamid IS NOT NULL AND created_at >= CAST(:since AS timestamptz)) AS attempt
  LEFT JOIN whatsapp_messages AS message ON message.message_id = attempt.wamid
