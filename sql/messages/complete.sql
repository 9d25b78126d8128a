-- Raise the status of stored messages, as imported history tells it, and move a call to its begin.
UPDATE whatsapp_messages AS message
   SET status = CASE WHEN known.rises THEN told.status ELSE message.status END,
       timestamp = CASE WHEN known.began_earlier THEN told.timestamp ELSE message.timestamp END,
       updated_at = clock_timestamp()
  FROM json_populate_recordset(NULL::whatsapp_messages, CAST(:rows AS json)) AS told
 CROSS JOIN LATERAL (
       SELECT stored.id,
              stored.direction = 'outgoing'
              AND array_position(CAST(:ranking AS text[]), told.status::text)
                  > coalesce(array_position(CAST(:ranking AS text[]), stored.status::text), 0) AS rises,
              stored.message_type::text = ANY(:calls) AND told.message_type::text = ANY(:calls)
              AND told.timestamp < stored.timestamp AS began_earlier
         FROM whatsapp_messages AS stored
        WHERE stored.message_id = told.message_id) AS known
 WHERE message.id = known.id AND (known.rises OR known.began_earlier)
