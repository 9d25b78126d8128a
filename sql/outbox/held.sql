SELECT reference, coalesce(phone_number, recipient) AS customer, message_type,
       coalesce(message -> message_type ->> 'body', message -> message_type ->> 'caption') AS content,
       last_attempt_at, attempt, failure_reason
  FROM wa.outbox
 WHERE state = 'held'
 ORDER BY last_attempt_at, reference
 LIMIT :limit
