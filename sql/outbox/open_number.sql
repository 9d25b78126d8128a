-- Create the number's token bucket when a worker first uses it. A new ceiling applies from the next claim.
INSERT INTO wa.rate_limits AS limits (number, ceiling, rate, tokens)
VALUES (:number, :ceiling, :ceiling, greatest(1, CAST(:ceiling AS float) / 4))
ON CONFLICT (number) DO UPDATE
   SET ceiling = excluded.ceiling,
       rate = CASE WHEN limits.slowed_at IS NULL THEN excluded.ceiling ELSE least(limits.rate, excluded.ceiling) END
