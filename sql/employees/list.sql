-- Employees by name, with the messages that each has sent since :since.
SELECT employee.id, employee.name, employee.team, employee.left_at AS left_at, coalesce(sent.messages, 0) AS messages,
       sent.last_at::timestamp AT TIME ZONE 'UTC' AS last_at
  FROM wa.employees AS employee
  LEFT JOIN (SELECT employee_id, count(*) AS messages, max(timestamp) AS last_at
               FROM whatsapp_messages
              WHERE direction = 'outgoing' AND timestamp >= :since AND employee_id IS NOT NULL
              GROUP BY employee_id) AS sent ON sent.employee_id = employee.id
 WHERE :with_former OR employee.left_at IS NULL
 ORDER BY employee.left_at NULLS FIRST, employee.name, employee.id
