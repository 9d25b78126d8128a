-- Statuses that may only be faster than their row are not counted.
SELECT count(*) AS events, count(DISTINCT wamid) AS messages
  FROM wa.status_events
 WHERE applied_at IS NULL AND received_at < clock_timestamp() - interval '5 minutes'
