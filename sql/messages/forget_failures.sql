-- Delete rows of messages that failed before they had a wamid and were proven as sent later.
DELETE FROM whatsapp_messages WHERE message_id = ANY(:ids)
