-- The number of rows whose direction would be lost with the column.
SELECT count(*) FROM whatsapp_messages WHERE direction = 'outgoing'
