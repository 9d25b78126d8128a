-- accepted: the messages that the API accepted in the range. An answer that waited in the spool was recorded late, never
-- early. `start` is that of their hour or day, `is_stored` tells if their row exists.
accepted AS (
    SELECT CASE WHEN :by = 'day' THEN date_trunc('day', attempt.answered_at AT TIME ZONE :tz) AT TIME ZONE :tz
                ELSE wa.hour_start(attempt.answered_at, :tz) END AS start,
           attempt.wamid, stored.message_id IS NOT NULL AS is_stored
      FROM (SELECT wamid, min(coalesce(answered_at, created_at)) AS answered_at FROM wa.send_attempts
             WHERE wamid IS NOT NULL AND created_at >= CAST(:since AS timestamp) AT TIME ZONE 'UTC' - interval '5 minutes'
               AND coalesce(answered_at, created_at) >= CAST(:since AS timestamp) AT TIME ZONE 'UTC'
               AND coalesce(answered_at, created_at) < CAST(:until AS timestamp) AT TIME ZONE 'UTC'
             GROUP BY wamid) AS attempt
      LEFT JOIN whatsapp_messages AS stored ON stored.message_id = attempt.wamid
)
