-- Events that were stored in the moment between a settle and its commit, and so missed their row.
SELECT DISTINCT event.wamid
  FROM wa.status_events AS event
  JOIN whatsapp_messages AS message ON message.message_id = event.wamid AND message.direction = 'outgoing'
 WHERE event.applied_at IS NULL AND event.received_at > clock_timestamp() - interval '1 day'
 ORDER BY event.wamid
 LIMIT :limit
