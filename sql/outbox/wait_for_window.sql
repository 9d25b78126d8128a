-- Give back claimed messages that wait until the customer writes. They are looked at again at :after, and delay no other
-- message of the customer, like scheduled ones.
UPDATE wa.outbox AS message
   SET state = 'queued', scheduled = TRUE, token = NULL, lease_until = NULL, attempt = message.attempt - 1,
       due_at = clock_timestamp() + :after
  FROM json_to_recordset(CAST(:rows AS json)) AS claim (reference uuid, token uuid)
 WHERE message.reference = claim.reference AND message.token = claim.token AND message.state = 'sending'
