-- Replace a placeholder by the message itself, and the begin of a call by its end.
UPDATE whatsapp_messages AS message
   SET message_type = real.message_type, content = real.content, media_url = real.media_url, media_type = real.media_type,
       context_message_id = coalesce(real.context_message_id, message.context_message_id),
       webhook_raw_data = real.webhook_raw_data, updated_at = clock_timestamp()
  FROM json_populate_recordset(NULL::whatsapp_messages, CAST(:rows AS json)) AS real
 WHERE message.message_id = real.message_id
   AND (message.message_type::text = ANY(:placeholders)
        OR message.message_type::text = 'call' AND real.message_type::text IN ('call', 'missed_call')
           AND message.content IS DISTINCT FROM real.content)
RETURNING message.message_id
