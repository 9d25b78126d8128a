-- What stood in for a message until it came: the message itself takes its place.
UPDATE whatsapp_messages AS message
   SET message_type = real.message_type, content = real.content, media_url = real.media_url, media_type = real.media_type,
       context_message_id = coalesce(real.context_message_id, message.context_message_id),
       webhook_raw_data = real.webhook_raw_data, updated_at = clock_timestamp()
  FROM json_to_recordset(CAST(:rows AS json)) AS real (
           message_id text, message_type text, content text, media_url text, media_type text, context_message_id text,
           webhook_raw_data json)
 WHERE message.message_id = real.message_id AND message.message_type = ANY(:placeholders)
RETURNING message.message_id
