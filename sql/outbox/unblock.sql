-- An accepted request proves nothing where the statuses of accepted messages said that the number is blocked.
UPDATE wa.rate_limits SET blocked_at = NULL, blocked_why = NULL, blocked_by = NULL, paused_until = NULL
 WHERE number = :number AND blocked_at IS NOT NULL AND blocked_by IS DISTINCT FROM 'status'
RETURNING number
