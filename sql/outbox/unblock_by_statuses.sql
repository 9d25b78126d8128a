-- Unblock numbers that statuses had blocked, if a message that was sent since has left WhatsApp's servers.
UPDATE wa.rate_limits AS limits SET blocked_at = NULL, blocked_why = NULL, blocked_by = NULL,
       paused_until = CASE WHEN paused_until = 'infinity' THEN paused_until END  -- a person's pause stays
 WHERE limits.blocked_by = 'status'
   AND EXISTS (SELECT FROM wa.outbox AS message
                WHERE message.reference = ANY (CAST(:references AS uuid[])) AND message.number = limits.number
                  AND message.last_attempt_at > limits.blocked_at)
RETURNING number
