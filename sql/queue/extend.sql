UPDATE wa.queue_messages AS message
   SET visible_at = clock_timestamp() + :lease
  FROM json_to_recordset(CAST(:rows AS json)) AS held (id text, token uuid)
 WHERE message.queue = :queue AND message.id = held.id AND message.token = held.token
