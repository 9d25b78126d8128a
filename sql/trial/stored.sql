-- A row as it was stored, with its time in UTC.
SELECT from_phone, to_phone, message_type::text AS message_type, content, status::text AS status,
       timestamp::timestamp AS timestamp
  FROM whatsapp_messages
 WHERE message_id = :message_id
