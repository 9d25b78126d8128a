-- Apply the stored events of these messages to their rows. A status only rises, whatever the order, the number or
-- the repetitions of events. :ranking lists the statuses from the lowest to the highest. Rows are locked first, in
-- key order. Events without a row stay pending. In a group the event of one participant only proves that the message
-- arrived.
WITH locked AS MATERIALIZED (
    SELECT id, message_id FROM whatsapp_messages
     WHERE message_id = ANY(:wamids) AND direction = 'outgoing'
     ORDER BY message_id
       FOR UPDATE
), summary AS MATERIALIZED (
    SELECT locked.id,
           max(array_position(CAST(:ranking AS text[]), word)) AS rank,
           min(happened_at) FILTER (WHERE word = 'delivered')                      AS delivered_at,
           min(happened_at) FILTER (WHERE word = 'read')                           AS read_at,
           min(reason)      FILTER (WHERE word = 'failed')                         AS reason
      FROM locked
      JOIN (SELECT *, CASE WHEN participant = '' THEN CASE status WHEN 'played' THEN 'read' ELSE status END
                           WHEN status IN ('delivered', 'read', 'played') THEN 'delivered'
                           WHEN status = 'sent' THEN 'sent' END AS word
              FROM wa.status_events) AS event
        ON event.wamid = locked.message_id
     GROUP BY locked.id
), due AS MATERIALIZED (
    -- Rows that change: a repeated event must not fire the business's triggers.
    SELECT summary.id, summary.rank, summary.rises, summary.delivered_at, summary.read_at, summary.reason
      FROM (SELECT summary.id, summary.rank,
                   summary.rank > coalesce(array_position(CAST(:ranking AS text[]), message.status::text), 0) AS rises,
                   coalesce(summary.delivered_at AT TIME ZONE 'UTC',
                            least(message.delivered_at, summary.read_at AT TIME ZONE 'UTC')) AS delivered_at,
                   least(message.read_at, summary.read_at AT TIME ZONE 'UTC') AS read_at,
                   coalesce(summary.reason, message.failure_reason) AS reason,
                   message.delivered_at AS known_delivered_at, message.read_at AS known_read_at,
                   message.failure_reason AS known_reason
              FROM summary
              JOIN whatsapp_messages AS message ON message.id = summary.id) AS summary
     WHERE rises OR (delivered_at, read_at, reason) IS DISTINCT FROM (known_delivered_at, known_read_at, known_reason)
), applied AS (
    UPDATE whatsapp_messages AS message
       SET status = CASE WHEN due.rises
                         THEN (json_populate_record(NULL::whatsapp_messages, json_build_object(
                                   'status', (CAST(:ranking AS text[]))[due.rank]))).status  -- in the column's own type
                         ELSE message.status END,
           delivered_at = due.delivered_at, read_at = due.read_at, failure_reason = due.reason,
           updated_at = clock_timestamp()
      FROM due
     WHERE message.id = due.id
)
UPDATE wa.status_events AS event
   SET applied_at = clock_timestamp()
  FROM locked
 WHERE event.wamid = locked.message_id AND event.applied_at IS NULL
RETURNING event.wamid
