-- Statuses that came before their message was known, or that missed its row: each wamid proves a send. :references
-- limits them, NULL means all.
SELECT DISTINCT ON (event.reference, event.wamid) event.reference, event.wamid, event.attempt, event.happened_at
  FROM wa.status_events AS event
  JOIN wa.outbox AS message ON message.reference = event.reference AND (event.number = message.number OR event.number = ANY (message.former_numbers))
 WHERE (CAST(:references AS uuid[]) IS NULL OR event.reference = ANY(CAST(:references AS uuid[])))
   AND event.applied_at IS NULL AND event.wamid IS DISTINCT FROM message.wamid
   AND event.received_at > clock_timestamp() - interval '2 days'
 ORDER BY event.reference, event.wamid, event.happened_at
 LIMIT :limit
