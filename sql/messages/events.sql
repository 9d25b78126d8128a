-- Everything that happened to a message, oldest first. WhatsApp's times are whole seconds, so its statuses are in the order
-- in which they came.
SELECT event.at, event.what, event.detail
  FROM (
        SELECT queued_at AS at, NULL::timestamptz AS received_at, 'queued' AS what,
               concat_ws(', ', 'sent by ' || sent_by, 'campaign ' || campaign,
                         CASE WHEN resend_of IS NOT NULL THEN 'again after ' || resend_of END) AS detail
          FROM wa.outbox WHERE reference = CAST(:reference AS uuid)
        UNION ALL
        SELECT due_at, NULL, 'due', NULL FROM wa.outbox
         WHERE reference = CAST(:reference AS uuid) AND final_at IS NULL AND due_at < timestamptz '9000-01-01'
        UNION ALL
        SELECT coalesce(answered_at, created_at), NULL,
               'attempt ' || attempt || ': ' || replace(CASE verdict
                   WHEN 'later' THEN 'retryable' WHEN 'refused' THEN 'blocked' WHEN 'not_sent' THEN 'not transmitted'
                   ELSE verdict END, '_', ' '),
               coalesce(reason, wamid)
          FROM wa.send_attempts WHERE reference = CAST(:reference AS uuid)
        UNION ALL
        SELECT answered_at, NULL, 'not stored at once', reason
          FROM wa.storage_failures WHERE reference = CAST(:reference AS uuid)
        UNION ALL
        SELECT created_at::timestamp AT TIME ZONE 'UTC', NULL, 'stored', message_id
          FROM whatsapp_messages WHERE message_id = ANY(:wamids)
        UNION ALL
        SELECT happened_at, received_at, status, concat_ws(': ', code::text, reason)
          FROM wa.status_events WHERE wamid = ANY(:wamids)
        UNION ALL
        SELECT final_at, NULL, 'final: ' || state, failure_reason
          FROM wa.outbox WHERE reference = CAST(:reference AS uuid) AND final_at IS NOT NULL AND state <> 'sent'
        UNION ALL
        SELECT edited_at, NULL, 'edited', content
          FROM wa.message_edits WHERE message_id = ANY(:wamids) AND edited_at IS NOT NULL
        UNION ALL
        SELECT revoked_at, NULL, 'deleted', NULL
          FROM wa.message_edits WHERE message_id = ANY(:wamids) AND revoked_at IS NOT NULL
       ) AS event
 ORDER BY coalesce(event.received_at, event.at) NULLS FIRST
