-- Rows of messages that were failed before they had a wamid, and were sent after all.
DELETE FROM whatsapp_messages WHERE message_id = ANY(:ids)
