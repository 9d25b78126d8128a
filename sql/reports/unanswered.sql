-- title:   Unanswered
-- place:   1
-- about:   Customers who wait for an answer, longest first.
-- define:  A turn starts at a customer's first unanswered message or missed call to a business number.
-- define:  It ends at the next message that a person sends them from that number and that did not fail.
-- define:  Campaigns, automatic messages and templates of older programs do not end a turn. A group counts as one customer.
-- define:  Reactions, edits, deletions, revoked messages, system rows and imported history do not start or end a turn.
-- define:  Waiting is counted from the turn's first message to now; only turns that began in the range are listed.
-- define:  The window is Meta's 24 hours from the customer's last message or call; once closed, only a template can be sent.
-- define:  On its way: messages of a person to this customer that are queued, uncertain or held.
-- define:  Working wait counts the business hours alone (--business-hours, WA_BUSINESS_HOURS).
-- define:  --fail-above judges every open turn of any age, with business hours by its working wait.
-- beside:  older_turns
-- include: turns
-- filter:  customer
-- alarm:   open_turns
-- param:   since   48h
-- param:   limit   50
-- quiet:   number queued
-- shown:   working_wait with business-hours
-- column:  customer          phone    Customer
-- column:  name              text     Name
-- column:  number            phone  To
-- column:  waiting_since     instant  Since
-- column:  hours_waiting     number   Hours
-- column:  working_wait      span     Working wait
-- column:  messages          integer  Msgs
-- column:  window_closes_in  span     Window
-- column:  queued            integer  On its way
-- column:  content           words    Last message

SELECT turn.customer,
       contact.name,
       turn.number,
       turn.started_at AT TIME ZONE 'UTC'                                                        AS waiting_since,
       round(extract(epoch FROM CAST(:now AS timestamp) - turn.started_at) / 3600, 1)            AS hours_waiting,
       CASE WHEN CAST(:open AS text) IS NOT NULL THEN (
           SELECT coalesce(sum(extract(epoch FROM least(CAST(:now AS timestamp), span.finish)
                                                  - greatest(turn.started_at, span.start))), 0)
             FROM json_to_recordset(CAST(:open AS json)) AS span (start timestamp, finish timestamp)
            WHERE span.finish > turn.started_at AND span.start < CAST(:now AS timestamp)) END::float8 AS working_wait,
       said.messages,
       CASE WHEN said.opened_at > CAST(:now AS timestamp) - interval '24 hours'
            THEN extract(epoch FROM said.opened_at + interval '24 hours' - CAST(:now AS timestamp)) END AS window_closes_in,
       (SELECT count(*)
          FROM wa.keys(turn.customer) AS known (name)
          JOIN wa.outbox AS unsent ON unsent.customer = known.name
         WHERE unsent.final_at IS NULL AND unsent.sent_by = 'human'
           AND coalesce(wa.business_number('outgoing', unsent.business_phone, NULL) = turn.number, TRUE)) AS queued,
       said.content
  FROM (SELECT * FROM turn WHERE answered_at IS NULL ORDER BY started_at, customer, number LIMIT :limit) AS turn
 CROSS JOIN LATERAL (
       -- An open turn: every later message of the customer belongs to this turn, also past the end of the range.
       SELECT count(*) FILTER (WHERE is_of_turn) AS messages, max(at) FILTER (WHERE opens_window) AS opened_at,
              (array_agg(content ORDER BY at DESC, created_at DESC, id DESC) FILTER (WHERE is_of_turn))[1] AS content
         FROM (SELECT message.timestamp::timestamp AS at, message.created_at, message.id,
                      coalesce(CASE WHEN edit.edited_at IS NULL THEN message.content ELSE edit.content END,
                               '[' || message.message_type || ']') AS content,
                      wa.opens_window(message.direction, message.message_type::text, message.campaign) AS opens_window,
                      wa.is_turn_event(message.direction, message.message_type::text, message.status::text, message.campaign,
                                       message.sent_by)
                      AND edit.revoked_at IS NULL
                      AND (message.timestamp, coalesce(message.created_at, 'infinity'), message.id)
                          >= (turn.started_at, coalesce(turn.created_at, 'infinity'), turn.id) AS is_of_turn
                 FROM wa.keys(turn.customer) AS known (name)
                 JOIN whatsapp_messages AS message
                   ON wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                      message.customer_user_id, message.group_id) = known.name
                 LEFT JOIN wa.message_edits AS edit ON edit.message_id = message.message_id
                WHERE message.timestamp >= turn.started_at AND message.direction IS DISTINCT FROM 'outgoing'
                  AND coalesce(wa.business_number(message.direction, message.from_phone, message.to_phone)
                               = turn.number, TRUE)) AS theirs) AS said
  LEFT JOIN wa.contacts AS contact ON contact.customer = turn.customer
 ORDER BY turn.started_at, turn.customer, turn.number
