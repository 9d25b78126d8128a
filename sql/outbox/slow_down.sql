-- One decrease and one pause, however many answers ask for it: not those to what was claimed before the last one, :age ago.
UPDATE wa.rate_limits
   SET rate = greatest(5, rate * 0.7), throttled_rate = rate, slowed_at = clock_timestamp(), tokens = 0,
       paused_until = greatest(paused_until, clock_timestamp() + CAST(:pause AS interval))
 WHERE number = :number AND (paused_until IS NULL OR paused_until <= clock_timestamp())
   AND (slowed_at IS NULL OR slowed_at < clock_timestamp() - CAST(:age AS interval))
RETURNING rate
