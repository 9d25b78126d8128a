SELECT received_at, status, recipient, wamid
  FROM wa.status_events
 WHERE applied_at IS NULL AND received_at < clock_timestamp() - interval '5 minutes'
 ORDER BY received_at DESC
 LIMIT :limit
