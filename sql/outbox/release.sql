-- Undo the claim of messages that were not sent.
UPDATE wa.outbox AS message
   SET state = 'queued', token = NULL, lease_until = NULL
  FROM json_to_recordset(CAST(:rows AS json)) AS held (reference uuid, token uuid)
 WHERE message.reference = held.reference AND message.token = held.token AND message.state = 'sending'
