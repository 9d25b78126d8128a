-- The rows of these notifications, in the order in which they were stored.
SELECT 'message' AS kind, message.message_id AS id, message.timestamp::timestamp AT TIME ZONE 'UTC' AS at, message.direction,
       CASE WHEN message.direction = 'outgoing' THEN message.to_phone ELSE message.from_phone END AS customer,
       contact.name, message.message_type::text AS type, message.content, NULL AS status, NULL AS reason,
       message.campaign IS NOT DISTINCT FROM 'history' AS history, message.webhook_raw_data AS raw
  FROM whatsapp_messages AS message
  LEFT JOIN wa.contacts AS contact
    ON contact.customer = wa.person_key(wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                                        message.customer_user_id, message.group_id))
 WHERE message.message_id = ANY(:messages)
UNION ALL
SELECT 'status', event.wamid, event.happened_at, 'outgoing', coalesce(nullif(event.participant, ''), event.recipient), NULL,
       NULL, NULL, event.status, event.reason, false, event.raw
  FROM wa.status_events AS event
 WHERE event.wamid = ANY(:statuses) AND event.received_at >= :since
UNION ALL
SELECT 'notice', notice.id, coalesce(notice.happened_at, notice.received_at), NULL, NULL, NULL, notice.field, NULL, NULL,
       NULL, false, notice.raw
  FROM wa.notices AS notice
 WHERE notice.id = ANY(:notices)
 ORDER BY at, id
