-- Every id at WhatsApp of a message: more than one if it was sent twice.
SELECT wamid FROM wa.send_attempts WHERE reference = CAST(:reference AS uuid) AND wamid IS NOT NULL
UNION
SELECT message_id FROM whatsapp_messages
 WHERE message_id = CAST(:wamid AS text) OR CAST(:reference AS uuid) IS NOT NULL AND reference = CAST(:reference AS uuid)
