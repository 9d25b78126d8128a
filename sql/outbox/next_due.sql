-- The seconds until the next message of this number is due, or no row. Not above 0 if one is due now.
SELECT extract(epoch FROM due_at - clock_timestamp())::float
  FROM wa.outbox
 WHERE number = :number AND state = 'queued' AND turn
 ORDER BY due_at, seq
 LIMIT 1
