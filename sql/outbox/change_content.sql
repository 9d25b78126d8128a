-- Replace the content of claimed messages by their templates, since the window of the customer is closed. An uncertain attempt
-- may have sent the content, so it stays.
UPDATE wa.outbox AS message
   SET message = message.or_template, message_type = 'template', window_rule = NULL
  FROM json_to_recordset(CAST(:rows AS json)) AS claim (reference uuid, token uuid)
 WHERE message.reference = claim.reference AND message.token = claim.token AND message.uncertain_count = 0
RETURNING message.reference
