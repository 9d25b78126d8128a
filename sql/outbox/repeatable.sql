-- What a message was, for sending it again, and whether it failed.
SELECT message, phone_number, recipient, number, business_phone, employee_id, campaign, sent_by, state,
       EXISTS (SELECT FROM whatsapp_messages AS stored
                WHERE stored.message_id = outbox.wamid AND stored.status::text = 'failed') AS has_failed
  FROM wa.outbox AS outbox
 WHERE reference = :reference
