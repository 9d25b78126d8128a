-- title:   Storage failures
-- about:   Sent messages whose row could not be stored at once, newest first.
-- include: names
-- param:   limit   200
-- column:  at        instant  Sent
-- column:  customer  phone    Customer
-- column:  employee  text     Employee
-- column:  stored    text     Stored
-- column:  reason    words    Reason
-- column:  wamid     words    Message id

SELECT failure.answered_at AS at, outbox.customer, employee.name AS employee,
       CASE WHEN message.message_id IS NULL THEN 'no' ELSE 'later' END AS stored, failure.reason, failure.wamid
  FROM wa.storage_failures AS failure
  LEFT JOIN wa.outbox AS outbox USING (reference)
  LEFT JOIN whatsapp_messages AS message ON message.message_id = failure.wamid
  LEFT JOIN named AS employee ON employee.id = outbox.employee_id
 WHERE failure.answered_at >= CAST(:since AS timestamp) AT TIME ZONE 'UTC'
   AND failure.answered_at < CAST(:until AS timestamp) AT TIME ZONE 'UTC'
 ORDER BY failure.answered_at DESC, failure.reference, failure.attempt
 LIMIT :limit
