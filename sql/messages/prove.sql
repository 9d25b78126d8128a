-- The first status of a sent message is evidence that its number's statuses come.
UPDATE wa.outbox AS message SET status_at = clock_timestamp()
 WHERE wamid = ANY(:wamids) AND status_at IS NULL
   AND EXISTS (SELECT FROM wa.status_events AS event WHERE event.wamid = message.wamid)
