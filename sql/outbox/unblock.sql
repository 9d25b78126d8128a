-- Unblock the number after an accepted request, but not if statuses had blocked it: then accepted requests prove
-- nothing.
UPDATE wa.rate_limits SET blocked_at = NULL, blocked_why = NULL, blocked_by = NULL,
       paused_until = CASE WHEN paused_until = 'infinity' THEN paused_until END  -- a person's pause stays
 WHERE number = :number AND blocked_at IS NOT NULL AND blocked_by IS DISTINCT FROM 'status'
RETURNING number
