-- Make the messages due that waited for these customers, in the order in which they were queued.
UPDATE wa.outbox
   SET scheduled = FALSE, turn = FALSE, due_at = clock_timestamp()
 WHERE number = :number AND state = 'queued' AND due_at = timestamptz '9000-01-01' AND window_rule = 'hold'
   AND business_phone = :business_phone AND customer = ANY(CAST(:customers AS text[]))
