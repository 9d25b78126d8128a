-- title:   Failed and retried messages
-- about:   Failed messages and those that were sent after a retry, newest first.
-- include: messages
-- include: names
-- filter:  customer employee
-- param:   limit   200
-- column:  at          instant  Time
-- column:  customer    phone    Customer
-- column:  employee    text     Employee
-- column:  type        text     Type
-- column:  status      text     Status
-- column:  reason      words    Reason
-- column:  retries     integer  Retries
-- column:  content     words    Content
-- column:  message_id  words    Message id

SELECT message.instant AS at, message.customer, employee.name AS employee, message.message_type AS type,
       message.status, message.failure_reason AS reason, coalesce(message.retry_count, 0) AS retries, message.content, message.message_id
  FROM message
  LEFT JOIN named AS employee ON employee.id = message.employee_id
 WHERE message.is_ours AND (message.has_failed OR message.retry_count > 0)
 ORDER BY message.at DESC, message.created_at DESC, message.id DESC
 LIMIT :limit
