UPDATE wa.rate_limits SET blocked_at = NULL, blocked_why = NULL, paused_until = NULL
 WHERE number = :number AND blocked_at IS NOT NULL
RETURNING number
