UPDATE wa.rate_limits AS limits
   SET blocked_at = coalesce(limits.blocked_at, clock_timestamp()), blocked_why = :why,
       blocked_by = CASE WHEN limits.blocked_at IS NULL OR CAST(:by AS text) = 'status' THEN :by ELSE limits.blocked_by END,
       paused_until = greatest(limits.paused_until, clock_timestamp() + CAST(:probe_every AS interval))
  FROM (SELECT number, blocked_at FROM wa.rate_limits WHERE number = :number FOR UPDATE) AS before
 WHERE limits.number = before.number
RETURNING before.blocked_at IS NULL AS newly
