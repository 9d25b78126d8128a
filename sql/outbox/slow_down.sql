-- Lower the rate and pause once for many throttled answers: those to messages that were claimed before the last decrease,
-- :age ago, change nothing. If the throttled share of the answers stays higher than the lower rate explains, the share is
-- steady and does not depend on our rate, and the rate rises again.
WITH limits AS MATERIALIZED (
    SELECT *, slowed_at IS NOT NULL AND slowed_at > clock_timestamp() - interval '10 minutes' AS was_slowed,
           answers + :answers AS all_answers, throttled + :throttled AS all_throttled,
           paused_until > clock_timestamp() IS TRUE OR slowed_at >= clock_timestamp() - CAST(:age AS interval) IS TRUE AS is_late
      FROM wa.rate_limits
     WHERE number = :number
       FOR UPDATE
), judged AS MATERIALIZED (
    -- A rate r with the throttled share s met a limit of r (1 - s). `explained` is the number of answers above it at the
    -- present rate, and `usual` the number if the share is steady.
    SELECT *, all_throttled::float / greatest(1, all_answers) AS share,
           all_answers * greatest(0, 1 - throttled_rate * (1 - throttled_share) / rate) AS explained,
           all_answers * steady_share AS usual
      FROM limits
), decided AS MATERIALIZED (
    SELECT *,
           CASE WHEN is_late THEN 'late'
                WHEN NOT was_slowed OR throttled_share IS NULL THEN 'slower'
                WHEN all_answers < :enough THEN 'early'
                WHEN steady_share IS NOT NULL
                THEN CASE WHEN all_throttled > usual + 3 * sqrt(usual + 1) THEN 'slower' ELSE 'steady' END
                WHEN all_throttled > explained + 2.5 * sqrt(explained + 1) AND share < 0.5 THEN 'steady'
                WHEN explained < 1 THEN 'early'
                ELSE 'slower' END AS decision
      FROM judged
)
UPDATE wa.rate_limits AS known
   SET rate            = CASE decision WHEN 'slower' THEN greatest(5, known.rate * 0.7) ELSE known.rate END,
       throttled_rate  = CASE decision WHEN 'slower' THEN known.rate
                                       WHEN 'steady' THEN known.ceiling * 1.05 + 1 ELSE known.throttled_rate END,
       slowed_at       = CASE decision WHEN 'slower' THEN clock_timestamp() ELSE known.slowed_at END,
       tokens          = CASE decision WHEN 'slower' THEN 0 ELSE known.tokens END,
       paused_until    = CASE decision WHEN 'slower'
                              THEN greatest(known.paused_until, clock_timestamp() + CAST(:pause AS interval))
                              ELSE known.paused_until END,
       throttled_share = CASE decision WHEN 'slower' THEN share ELSE known.throttled_share END,
       steady_share    = CASE decision WHEN 'steady' THEN coalesce(known.steady_share, share) WHEN 'slower' THEN NULL ELSE known.steady_share END,
       answers         = CASE WHEN decision IN ('slower', 'steady') THEN 0 ELSE all_answers END,
       throttled       = CASE WHEN decision IN ('slower', 'steady') THEN 0 ELSE all_throttled END
  FROM decided
 WHERE known.number = decided.number
RETURNING CASE decision WHEN 'slower' THEN known.rate END AS rate
