UPDATE wa.queue_messages AS message
   SET token = NULL, visible_at = clock_timestamp() + :delay
  FROM json_to_recordset(CAST(:rows AS json)) AS held (id text, token uuid)
 WHERE message.queue = :queue AND message.id = held.id AND message.token = held.token
