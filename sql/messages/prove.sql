-- Record that the number gets statuses, at the first status of a sent message.
UPDATE wa.outbox AS message SET status_at = clock_timestamp()
 WHERE wamid = ANY(:wamids) AND status_at IS NULL
   AND EXISTS (SELECT FROM wa.status_events AS event WHERE event.wamid = message.wamid)
