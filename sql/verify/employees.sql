-- Outgoing messages of people since :since: all, those without an employee, and those of ids without a name.
SELECT count(*) AS messages, count(*) FILTER (WHERE stored.employee_id IS NULL) AS without_employee,
       count(*) FILTER (WHERE stored.employee_id IS NOT NULL AND employee.id IS NULL) AS without_name,
       count(DISTINCT stored.employee_id) FILTER (WHERE employee.id IS NULL) AS unknown_ids,
       min(stored.employee_id::text) FILTER (WHERE employee.id IS NULL) AS an_unknown_id
  FROM whatsapp_messages AS stored
  LEFT JOIN wa.employees AS employee ON employee.id = stored.employee_id
 WHERE stored.direction = 'outgoing' AND stored.timestamp >= :since
   AND wa.sent_by(stored.sent_by, stored.campaign, stored.message_type::text) = 'human'
