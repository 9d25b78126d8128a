-- The customers of this number with messages that wait for them, and the business's phone of those messages.
SELECT DISTINCT customer, business_phone
  FROM wa.outbox
 WHERE number = :number AND state = 'queued' AND turn AND due_at = timestamptz '9000-01-01' AND window_rule = 'hold'
   AND customer > :after
 ORDER BY customer, business_phone
 LIMIT :limit
