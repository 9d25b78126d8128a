-- Lock rows by reference or by wamid, in the order of every transaction.
SELECT reference, number, former_numbers, customer, phone_number, recipient, message_type, message, business_phone, employee_id, campaign, sent_by,
       state, attempt, retry_count, token, last_attempt_at, uncertain_count, possible_double, wamid, expires_at, failure_reason,
       expires_at <= clock_timestamp() IS TRUE AS overdue, state = 'sent' AND wamid IS NULL AS confirmed
  FROM wa.outbox
 WHERE reference IN (SELECT unnest(CAST(:references AS uuid[]))
                     UNION
                     SELECT reference FROM wa.outbox WHERE wamid = ANY(:wamids))
 ORDER BY reference
   FOR UPDATE
