-- title:   Unanswered
-- about:   Customers who wait for an answer, longest first.
-- define:  A turn starts at a customer's first unanswered message and ends at our next message to them that did not fail.
-- define:  Reactions and system rows start and end nothing; a bulk message answers nobody.
-- define:  Waiting is counted from the turn's first message to now; only turns that began in the range are listed.
-- define:  The window is Meta's 24 hours from the customer's last message; once closed, only a template can be sent.
-- include: turns
-- param:   since   48h
-- param:   limit   50
-- column:  customer          phone    Customer
-- column:  name              text     Name
-- column:  waiting_since     instant  Since
-- column:  hours_waiting     number   Hours
-- column:  messages          integer  Msgs
-- column:  window_closes_in  span     Window
-- column:  content           words    Last message

SELECT CASE WHEN turn.customer ~ '^[0-9]+$' THEN '+' || turn.customer ELSE turn.customer END    AS customer,
       contact.name,
       turn.started_at AT TIME ZONE 'UTC'                                                        AS waiting_since,
       round(extract(epoch FROM CAST(:now AS timestamp) - turn.started_at) / 3600, 1)            AS hours_waiting,
       said.messages,
       CASE WHEN said.last_at > CAST(:now AS timestamp) - interval '24 hours'
            THEN extract(epoch FROM said.last_at + interval '24 hours' - CAST(:now AS timestamp)) END AS window_closes_in,
       said.content
  FROM turn
 CROSS JOIN LATERAL (
       SELECT count(*) AS messages, max(placed.at) AS last_at,
              (array_agg(coalesce(placed.content, '[' || placed.message_type || ']')
                         ORDER BY placed.at DESC, placed.created_at DESC, placed.id DESC))[1] AS content
         FROM placed
        WHERE placed.customer = turn.customer AND placed.direction = 'incoming' AND placed.answers = turn.answers) AS said
  LEFT JOIN wa.contacts AS contact ON contact.customer = turn.customer
 WHERE turn.answered_at IS NULL
 ORDER BY turn.started_at, turn.customer
 LIMIT :limit
