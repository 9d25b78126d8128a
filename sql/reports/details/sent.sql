-- title:   Sent messages
-- about:   The counted outgoing messages, also failed ones, newest first.
-- include: messages
-- include: names
-- filter:  customer employee
-- param:   limit   200
-- column:  at          instant  Time
-- column:  direction   text     Direction
-- column:  customer    phone    Customer
-- column:  employee    text     Employee
-- column:  type        text     Type
-- column:  status      text     Status
-- column:  content     words    Content
-- column:  message_id  words    Message id

SELECT message.instant AS at, message.direction, message.customer, employee.name AS employee, message.message_type AS type,
       message.status, message.content, message.message_id
  FROM message
  LEFT JOIN named AS employee ON employee.id = message.employee_id
 WHERE message.is_ours
 ORDER BY message.at DESC, message.created_at DESC, message.id DESC
 LIMIT :limit
