UPDATE wa.rate_limits SET paused_until = NULL, blocked_at = NULL, blocked_why = NULL, blocked_by = NULL WHERE number = :number RETURNING number
