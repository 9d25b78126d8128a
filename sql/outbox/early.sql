-- Statuses that came while nobody knew the message yet: they prove that it was sent.
SELECT DISTINCT ON (event.reference) event.reference, event.wamid, event.attempt, event.happened_at
  FROM wa.status_events AS event
  JOIN wa.outbox AS message ON message.reference = event.reference AND message.number = event.number
 WHERE event.reference = ANY(CAST(:references AS uuid[])) AND event.applied_at IS NULL AND message.wamid IS NULL
 ORDER BY event.reference, event.happened_at
