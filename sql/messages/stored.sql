-- The stored item with this id: a message, the statuses of one, a notice, or a dead letter's body.
SELECT CASE WHEN campaign = 'history' THEN 'history' WHEN direction = 'outgoing' THEN 'smb_message_echoes' ELSE 'messages' END
           AS field,
       CASE WHEN direction = 'outgoing' THEN 'message_echoes' ELSE 'messages' END AS list,
       CASE WHEN direction = 'outgoing' THEN from_phone ELSE to_phone END AS business_phone,
       CASE WHEN direction = 'outgoing' THEN to_phone END AS customer,
       webhook_raw_data AS raw, NULL AS account, NULL::timestamptz AS happened_at, NULL AS body
  FROM whatsapp_messages
 WHERE message_id = :id AND webhook_raw_data IS NOT NULL
UNION ALL
SELECT 'messages', 'statuses', NULL, NULL, raw, NULL, NULL, NULL FROM wa.status_events WHERE wamid = :id
UNION ALL
SELECT field, NULL, NULL, NULL, raw, account, happened_at, NULL FROM wa.notices WHERE id = :id
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, body FROM wa.queue_messages
 WHERE queue = 'incoming' AND id = :id AND state = 'dead'
