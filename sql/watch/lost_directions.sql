-- Outgoing messages, known by our reference, that count as incoming: their direction was lost with an earlier
-- column.
SELECT count(*) AS rows, min(timestamp)::timestamp AS oldest, max(timestamp)::timestamp AS newest,
       (array_agg(message_id ORDER BY timestamp DESC, message_id))[1\:3] AS some
  FROM whatsapp_messages
 WHERE reference IS NOT NULL AND direction = 'incoming'
