-- Make messages with lost leases uncertain: the request may have left. The token stays, so that a late outcome
-- settles the message.
WITH lost AS MATERIALIZED (
    SELECT reference FROM wa.outbox
     WHERE state = 'sending' AND lease_until < clock_timestamp()
     ORDER BY reference LIMIT :limit
       FOR UPDATE SKIP LOCKED
)
UPDATE wa.outbox AS message
   SET state = 'uncertain', uncertain_since = clock_timestamp(), uncertain_count = uncertain_count + 1, lease_until = NULL
  FROM lost
 WHERE message.reference = lost.reference
RETURNING message.reference, message.attempt, message.token
