-- A message by our reference or by WhatsApp's id: the row, and the outbox message as long as it is kept.
SELECT coalesce(outbox.reference, stored.reference) AS reference, coalesce(stored.message_id, outbox.wamid) AS wamid,
       coalesce(stored.direction, 'outgoing') AS direction,
       wa.person_key(coalesce(wa.customer_key(stored.direction, stored.from_phone, stored.to_phone, stored.customer_user_id,
                                              stored.group_id), outbox.customer)) AS customer,
       coalesce(stored.message_type::text, outbox.message_type) AS type, outbox.state,
       stored.status::text AS status, coalesce(stored.content, outbox.message -> outbox.message_type ->> 'body') AS content,
       coalesce(stored.media_url, outbox.message -> outbox.message_type ->> 'link') AS media_url,
       coalesce(employee.name, coalesce(stored.employee_id, outbox.employee_id)::text) AS employee,
       coalesce(stored.campaign, outbox.campaign) AS campaign, coalesce(stored.sent_by, outbox.sent_by) AS sent_by,
       coalesce(stored.failure_reason, outbox.failure_reason) AS reason, outbox.number,
       coalesce(outbox.attempt, 0) AS attempts, coalesce(outbox.retry_count, stored.retry_count, 0) AS retries,
       outbox.expires_at, outbox.resend_of
  FROM (SELECT CAST(:reference AS uuid) AS reference, CAST(:wamid AS text) AS wamid) AS asked
  LEFT JOIN LATERAL (
       SELECT * FROM wa.outbox AS message
        WHERE message.reference = asked.reference OR message.wamid = asked.wamid LIMIT 1) AS outbox ON TRUE
  LEFT JOIN LATERAL (
       SELECT * FROM whatsapp_messages AS message
        WHERE message.message_id = coalesce(asked.wamid, outbox.wamid, 'ref:' || asked.reference)
           OR asked.reference IS NOT NULL AND message.reference = asked.reference
        ORDER BY message.created_at LIMIT 1) AS stored ON TRUE
  LEFT JOIN wa.employees AS employee ON employee.id = coalesce(stored.employee_id, outbox.employee_id)
 WHERE outbox.reference IS NOT NULL OR stored.message_id IS NOT NULL
