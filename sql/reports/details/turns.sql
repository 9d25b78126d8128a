-- title:   Turns
-- about:   The measured turns, open ones first, then the longest.
-- include: turns
-- include: names
-- filter:  customer employee
-- param:   limit   200
-- column:  started_at   instant  Began
-- column:  customer     phone    Customer
-- column:  name         text     Name
-- column:  answered_at  instant  Answered
-- column:  employee     text     Employee
-- column:  length       span     Length

SELECT turn.started_at AT TIME ZONE 'UTC' AS started_at, turn.customer, contact.name,
       turn.answered_at AT TIME ZONE 'UTC' AS answered_at, coalesce(employee.name, turn.employee_id::text) AS employee,
       extract(epoch FROM coalesce(turn.answered_at, CAST(:now AS timestamp)) - turn.started_at)::float8 AS length
  FROM turn
  LEFT JOIN wa.contacts AS contact ON contact.customer = turn.customer
  LEFT JOIN named AS employee ON employee.id = turn.employee_id
 WHERE CAST(:employee AS uuid) IS NULL OR turn.employee_id = CAST(:employee AS uuid)
 ORDER BY turn.answered_at IS NOT NULL, length DESC, turn.customer
 LIMIT :limit
