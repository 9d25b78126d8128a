-- One decrease and one pause, however many answers ask for it.
UPDATE wa.rate_limits
   SET rate = greatest(5, rate * 0.7), throttled_rate = rate, slowed_at = clock_timestamp(), tokens = 0,
       paused_until = greatest(paused_until, clock_timestamp() + CAST(:pause AS interval))
 WHERE number = :number AND (paused_until IS NULL OR paused_until <= clock_timestamp())
RETURNING rate
