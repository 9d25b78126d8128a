SELECT DISTINCT event.wamid
  FROM (SELECT wamid FROM wa.status_events WHERE applied_at IS NULL ORDER BY received_at DESC LIMIT :limit) AS event
  JOIN whatsapp_messages AS message ON message.message_id = event.wamid AND message.direction = 'outgoing'
 ORDER BY event.wamid
