-- Unblock the number after an accepted request, but not if statuses had blocked it: then accepted requests prove
-- nothing.
UPDATE wa.rate_limits SET blocked_at = NULL, blocked_why = NULL, blocked_by = NULL, paused_until = NULL
 WHERE number = :number AND blocked_at IS NOT NULL AND blocked_by IS DISTINCT FROM 'status'
RETURNING number
