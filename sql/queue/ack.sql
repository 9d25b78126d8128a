DELETE FROM wa.queue_messages AS message
 USING json_to_recordset(CAST(:rows AS json)) AS held (id text, token uuid)
 WHERE message.queue = :queue AND message.id = held.id AND message.token = held.token
