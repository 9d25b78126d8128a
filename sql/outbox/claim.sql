-- Claim as many heads of line as the rate allows now, for one worker and one lease, in one statement and one commit.
-- The token bucket fills by `rate` a second and holds at most a quarter of a second's tokens, so that no flood follows a
-- pause. A blocked number may send one message at a time, as a probe.
WITH locked AS MATERIALIZED (
    -- No expression stands here: after a wait for the lock, it would have the values of the row's older version.
    SELECT * FROM wa.rate_limits WHERE number = :number FOR UPDATE
), aged AS MATERIALIZED (
    -- At most ten minutes: the power below would overflow after a weekend.
    SELECT *, least(600, greatest(0, extract(epoch FROM clock_timestamp() - refilled_at)))::float AS elapsed FROM locked
), recovered AS MATERIALIZED (
    -- The rate recovers fast to just below the rate that was throttled, carefully past it, and slowly from there. After
    -- ten minutes the throttled rate no longer counts. A paused number does not recover.
    SELECT *, least(ceiling, CASE WHEN paused_until > clock_timestamp() THEN rate
                                  WHEN slowed_at < clock_timestamp() - interval '10 minutes'
                                  THEN rate * power(1 + :slow, elapsed)
                                  WHEN rate < throttled_rate * 0.95
                                  THEN least(throttled_rate * 0.95, rate * power(1 + :fast, elapsed))
                                  WHEN rate < throttled_rate * 1.05 THEN rate * power(1 + :careful, elapsed)
                                  ELSE rate * power(1 + :slow, elapsed) END) AS new_rate
      FROM aged
), bucket AS MATERIALIZED (
    SELECT number, new_rate, blocked_at IS NOT NULL AS blocked, paused_until > clock_timestamp() IS TRUE AS paused,
           least(greatest(1, new_rate / 4), tokens + new_rate * elapsed) AS filled
      FROM recovered
), due AS MATERIALIZED (
    -- The inner limit is a constant, so the planner walks the index. The outer one is the rate's, and rows beyond it are
    -- not locked.
    SELECT reference
      FROM (SELECT reference
              FROM wa.outbox
             WHERE number = :number AND state = 'queued' AND turn AND due_at <= clock_timestamp()
               AND (expires_at IS NULL OR expires_at > clock_timestamp())
             ORDER BY due_at, seq
             LIMIT :limit
               FOR UPDATE SKIP LOCKED) AS next
     LIMIT coalesce((SELECT CASE WHEN paused THEN 0
                                 WHEN blocked THEN least(1, floor(filled))
                                 ELSE floor(filled) END::bigint FROM bucket), 0)
), claimed AS (
    UPDATE wa.outbox AS message
       SET state = 'sending', attempt = attempt + 1, token = gen_random_uuid(),
           last_attempt_at = clock_timestamp(), lease_until = clock_timestamp() + :lease
      FROM due
     WHERE message.reference = due.reference
    RETURNING message.reference, message.attempt, message.token, message.phone_number, message.recipient,
              message.message, message.customer, message.retry_count, message.seq,
              CASE WHEN message.message_type <> 'template' THEN message.window_rule END AS window_rule,
              message.or_template, message.business_phone,
              extract(epoch FROM clock_timestamp() - greatest(message.queued_at, message.due_at))::float AS waited_seconds
), spent AS (
    UPDATE wa.rate_limits AS limits
       SET tokens = bucket.filled - taken.n, rate = bucket.new_rate, refilled_at = clock_timestamp(),
           paused_until = CASE WHEN bucket.blocked AND taken.n > 0 THEN clock_timestamp() + :probe_every
                               ELSE limits.paused_until END
      FROM bucket, (SELECT count(*) AS n FROM claimed) AS taken
     WHERE limits.number = bucket.number
)
SELECT reference, attempt, token, phone_number, recipient, message, customer, retry_count,
       (SELECT blocked FROM bucket) AS is_probe, waited_seconds, window_rule, or_template, business_phone
  FROM claimed
 ORDER BY seq
