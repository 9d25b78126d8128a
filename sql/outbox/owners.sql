-- The references of the messages with this id at WhatsApp, or NULL for a row without one.
SELECT reference FROM wa.outbox WHERE wamid = :wamid
UNION
SELECT reference FROM whatsapp_messages WHERE message_id = :wamid
