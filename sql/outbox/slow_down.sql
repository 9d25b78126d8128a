-- One decrease and one pause, however many answers ask for it. A throttle soon after the last one says that the rate to come
-- back to was still too fast.
UPDATE wa.rate_limits
   SET rate = greatest(5, rate * 0.7), throttled_rate = CASE WHEN slowed_at > clock_timestamp() - interval '15 seconds' THEN rate * 0.95 ELSE rate END,
       slowed_at = clock_timestamp(), tokens = 0,
       paused_until = greatest(paused_until, clock_timestamp() + CAST(:pause AS interval))
 WHERE number = :number AND (paused_until IS NULL OR paused_until <= clock_timestamp())
RETURNING rate
