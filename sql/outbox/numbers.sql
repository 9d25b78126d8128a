SELECT number, rate, ceiling,
       CASE WHEN paused_until = 'infinity' THEN 'paused' WHEN blocked_at IS NOT NULL THEN 'blocked'
            WHEN paused_until > clock_timestamp() THEN 'throttled' ELSE 'open' END AS state,
       CASE WHEN paused_until > clock_timestamp() AND paused_until < 'infinity' THEN paused_until END AS paused_until, blocked_why,
       (SELECT count(*) FROM wa.outbox AS message WHERE message.number = limits.number AND message.state = 'queued') AS queued
  FROM wa.rate_limits AS limits
 ORDER BY number
