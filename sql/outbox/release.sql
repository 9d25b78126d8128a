-- Undo the claim of messages that were not sent.
WITH held AS MATERIALIZED (
    SELECT message.reference
      FROM json_to_recordset(CAST(:rows AS json)) AS claim (reference uuid, token uuid)
      JOIN wa.outbox AS message USING (reference)
     WHERE message.token = claim.token AND message.state = 'sending'
     ORDER BY reference
       FOR UPDATE OF message
)
UPDATE wa.outbox AS message
   SET state = 'queued', token = NULL, lease_until = NULL
  FROM held
 WHERE message.reference = held.reference
