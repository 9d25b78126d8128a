-- Give back claimed messages that wait until the customer writes. Like scheduled ones they delay no other message, and they are
-- due on a day that never comes: a sweep makes them due when the window is open.
UPDATE wa.outbox AS message
   SET state = 'queued', scheduled = TRUE, token = NULL, lease_until = NULL, attempt = message.attempt - 1,
       due_at = timestamptz '9000-01-01'
  FROM json_to_recordset(CAST(:rows AS json)) AS claim (reference uuid, token uuid)
 WHERE message.reference = claim.reference AND message.token = claim.token AND message.state = 'sending'
