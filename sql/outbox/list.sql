-- Messages of the outbox in these states, oldest first, optionally of one number, one customer or one campaign, and queued
-- before an instant.
SELECT reference, customer, state, message_type AS type, queued_at, nullif(due_at, timestamptz '9000-01-01') AS due_at, attempt,
       coalesce(failure_reason, CASE WHEN due_at = timestamptz '9000-01-01' THEN 'waits until the customer writes' END) AS reason,
       number, campaign,
       coalesce(message -> message_type ->> 'body', message -> message_type ->> 'caption',
                message -> message_type ->> 'name') AS content
  FROM wa.outbox
 WHERE state = ANY(CAST(:states AS text[]))
   AND (CAST(:number AS text) IS NULL OR number = :number)
   AND (CAST(:customer AS text) IS NULL OR customer = ANY (ARRAY(SELECT key FROM wa.keys(:customer) AS known (key))))
   AND (CAST(:campaign AS text) IS NULL OR campaign = :campaign)
   AND (CAST(:before AS timestamptz) IS NULL OR queued_at < :before)
 ORDER BY queued_at, seq
 LIMIT :limit
