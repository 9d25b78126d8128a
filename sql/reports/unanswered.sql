-- title:   Unanswered
-- place:   1
-- about:   Customers who wait for an answer, longest first.
-- define:  A turn starts at a customer's first unanswered message and ends at our next message to them that did not fail.
-- define:  Reactions, edits, deletions, system rows and imported history start and end nothing; a bulk message answers nobody.
-- define:  Waiting is counted from the turn's first message to now; only turns that began in the range are listed.
-- define:  The window is Meta's 24 hours from the customer's last message of any kind; once closed, only a template can be sent.
-- define:  With --fail-over and no --since the range reaches as far back again, so that who waits that long is in it.
-- note:    Only who began to wait in this range: an earlier --since looks further back.
-- include: turns
-- filter:  customer
-- threshold: waiting_since age
-- param:   since   48h
-- param:   limit   50
-- column:  customer          phone    Customer
-- column:  name              text     Name
-- column:  waiting_since     instant  Since
-- column:  hours_waiting     number   Hours
-- column:  messages          integer  Msgs
-- column:  window_closes_in  span     Window
-- column:  content           words    Last message

SELECT turn.customer,
       contact.name,
       turn.started_at AT TIME ZONE 'UTC'                                                        AS waiting_since,
       round(extract(epoch FROM CAST(:now AS timestamp) - turn.started_at) / 3600, 1)            AS hours_waiting,
       said.messages,
       CASE WHEN said.last_at > CAST(:now AS timestamp) - interval '24 hours'
            THEN extract(epoch FROM said.last_at + interval '24 hours' - CAST(:now AS timestamp)) END AS window_closes_in,
       said.content
  FROM (SELECT * FROM turn WHERE answered_at IS NULL ORDER BY started_at, customer LIMIT :limit) AS turn
 CROSS JOIN LATERAL (
       -- Nobody has answered: all that they wrote since its first is of this turn, past the end of the range too.
       SELECT count(*) FILTER (WHERE is_of_turn) AS messages, max(at) AS last_at,
              (array_agg(content ORDER BY at DESC, created_at DESC, id DESC) FILTER (WHERE is_of_turn))[1] AS content
         FROM (SELECT message.timestamp AS at, message.created_at, message.id,
                      coalesce(message.content, '[' || message.message_type || ']') AS content,
                      wa.is_turn_event(message.direction, message.message_type, message.status, message.campaign)
                      AND (message.timestamp, coalesce(message.created_at, 'infinity'), message.id)
                          >= (turn.started_at, coalesce(turn.created_at, 'infinity'), turn.id) AS is_of_turn
                 FROM wa.keys(turn.customer) AS known (name)
                 JOIN whatsapp_messages AS message
                   ON wa.customer_key(message.direction, message.from_phone, message.to_phone, message.customer_user_id)
                      = known.name
                WHERE message.timestamp >= turn.started_at
                  AND message.direction IS DISTINCT FROM 'outgoing' AND message.message_type <> 'system') AS theirs) AS said
  LEFT JOIN wa.contacts AS contact ON contact.customer = turn.customer
 ORDER BY turn.started_at, turn.customer
