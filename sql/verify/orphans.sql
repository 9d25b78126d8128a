-- Rows that no report can use: without a direction or a time, outgoing without an addressee, or incoming with our
-- reference. Files without their message.
SELECT (SELECT count(*) FROM whatsapp_messages WHERE direction IS NULL) AS without_direction,
       (SELECT count(*) FROM whatsapp_messages WHERE reference IS NOT NULL AND direction = 'incoming') AS lost_direction,
       (SELECT count(*) FROM whatsapp_messages WHERE timestamp IS NULL) AS without_time,
       (SELECT count(*) FROM whatsapp_messages
         WHERE wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id) IS NULL) AS without_customer,
       (SELECT count(*) FROM wa.media AS file
         WHERE NOT EXISTS (SELECT FROM whatsapp_messages AS message WHERE message.message_id = file.message_id)) AS files
