-- title:   Windows
-- place:   2
-- about:   Customers whose 24-hour window is about to close.
-- define:  WhatsApp lets a business number write freely for 24 hours after a customer's last message or call to it.
-- define:  Imported history, reactions, edits, deletions and system rows open no window.
-- define:  A customer with an open turn waits. Reactions, campaigns and automatic messages do not end the wait.
-- define:  --fail-below judges customers who wait.
-- of:      now
-- include: messages
-- filter:  customer
-- param:   since   24h
-- param:   limit   50
-- threshold: closes_in below waiting
-- quiet:   number
-- column:  customer   phone    Customer
-- column:  name       text     Name
-- column:  number     phone    To
-- column:  waiting    text     Waits
-- column:  closes_in  span     Closes in
-- column:  closes_at  instant  At
-- column:  content    words    Last message

SELECT open.customer, contact.name, open.number,
       CASE WHEN last_event.direction = 'incoming' THEN 'yes' ELSE 'no' END AS waiting,
       extract(epoch FROM open.last_at + interval '24 hours' - CAST(:now AS timestamp))::float8 AS closes_in,
       (open.last_at + interval '24 hours') AT TIME ZONE 'UTC' AS closes_at, open.content
  FROM (SELECT message.customer, message.number, max(message.at) AS last_at,
               (array_agg(CASE WHEN edit.revoked_at IS NOT NULL THEN '[deleted]'
                               ELSE coalesce(CASE WHEN edit.edited_at IS NULL THEN message.content ELSE edit.content END,
                                             '[' || message.message_type || ']') END
                          ORDER BY message.at DESC, message.created_at DESC, message.id DESC))[1] AS content
          FROM message
          LEFT JOIN wa.message_edits AS edit ON edit.message_id = message.message_id
         WHERE message.opens_window AND message.customer IS NOT NULL
         GROUP BY message.customer, message.number
        HAVING max(message.at) > CAST(:now AS timestamp) - interval '24 hours') AS open
  LEFT JOIN LATERAL (
       SELECT coalesce(newest.direction, 'incoming') AS direction
         FROM wa.keys(open.customer) AS known (name)
        CROSS JOIN LATERAL (
              SELECT stored.direction, stored.timestamp, stored.created_at, stored.id
                FROM whatsapp_messages AS stored
               WHERE wa.customer_key(stored.direction, stored.from_phone, stored.to_phone, stored.customer_user_id,
                                     stored.group_id) = known.name
                 AND wa.is_turn_event(stored.direction, stored.message_type::text, stored.status::text, stored.campaign,
                                      stored.sent_by)
                 AND coalesce(wa.business_number(stored.direction, stored.from_phone, stored.to_phone) = open.number, TRUE)
                 AND NOT EXISTS (SELECT FROM wa.message_edits AS edit
                                  WHERE edit.message_id = stored.message_id AND edit.revoked_at IS NOT NULL)
               ORDER BY stored.timestamp DESC, stored.created_at DESC, stored.id DESC
               LIMIT 1) AS newest
        ORDER BY newest.timestamp DESC, newest.created_at DESC, newest.id DESC
        LIMIT 1) AS last_event ON TRUE
  LEFT JOIN wa.contacts AS contact ON contact.customer = open.customer
 ORDER BY coalesce(last_event.direction = 'incoming', FALSE) DESC, closes_in, open.customer, open.number
 LIMIT :limit
