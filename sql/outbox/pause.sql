UPDATE wa.rate_limits SET paused_until = 'infinity', blocked_why = :why WHERE number = :number RETURNING number
