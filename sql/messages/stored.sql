-- What was heard under an id: a message or the statuses of one, a notice, or a dead letter's whole body.
SELECT 'messages' AS kind, CASE WHEN direction = 'outgoing' THEN from_phone ELSE to_phone END AS business_phone,
       CASE WHEN direction = 'outgoing' THEN 'message_echoes' ELSE 'messages' END AS list, webhook_raw_data AS raw,
       NULL AS field, NULL AS body
  FROM whatsapp_messages
 WHERE message_id = :id AND webhook_raw_data IS NOT NULL
UNION ALL
SELECT 'statuses', NULL, 'statuses', raw, NULL, NULL FROM wa.status_events WHERE wamid = :id
UNION ALL
SELECT 'notice', NULL, NULL, raw, field, NULL FROM wa.notices WHERE id = :id
UNION ALL
SELECT 'dead', NULL, NULL, NULL, NULL, body FROM wa.queue_messages
 WHERE queue = 'incoming' AND id = :id AND state = 'dead'
