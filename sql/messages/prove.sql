-- The first status of a sent message is evidence that its number's statuses come.
UPDATE wa.outbox SET status_at = clock_timestamp()
 WHERE wamid = ANY(:wamids) AND status_at IS NULL
