-- title:   Open turns
-- about:   Every turn that is open now, of any age, for --fail-above.
-- include: turns
-- filter:  customer
-- column:  customer  phone    Customer
-- column:  number    phone    To
-- column:  since     instant  Since

, key AS (
    -- From one conversation to the next by the index, however many messages each has.
    WITH RECURSIVE walk AS (
        (SELECT wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id) AS key
           FROM whatsapp_messages
          WHERE wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id) IS NOT NULL
          ORDER BY 1 LIMIT 1)
        UNION ALL
        SELECT next.key
          FROM walk
         CROSS JOIN LATERAL (
               SELECT wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id) AS key
                 FROM whatsapp_messages
                WHERE wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id) > walk.key
                ORDER BY 1 LIMIT 1) AS next
    )
    SELECT key FROM walk WHERE CAST(:keys AS text[]) IS NULL
    UNION ALL
    SELECT unnest(CAST(:keys AS text[]))
), waiting AS (
    -- Those who had the last word, before the range too.
    SELECT DISTINCT coalesce(alias.same_as, wa.person_key(key.key)) AS customer
      FROM key
     CROSS JOIN LATERAL (
           SELECT message.direction
             FROM whatsapp_messages AS message
            WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone, message.customer_user_id,
                                  message.group_id) = key.key
              AND message.timestamp < :until
              AND wa.is_turn_event(message.direction, message.message_type::text, message.status::text, message.campaign,
                                   message.sent_by)
              AND NOT EXISTS (SELECT FROM wa.message_edits AS edit
                               WHERE edit.message_id = message.message_id AND edit.revoked_at IS NOT NULL)
            ORDER BY message.timestamp DESC, message.created_at DESC, message.id DESC
            LIMIT 1) AS newest
      LEFT JOIN wa.contacts AS alias ON alias.customer = wa.person_key(key.key) AND alias.same_as IS NOT NULL
     WHERE newest.direction IS DISTINCT FROM 'outgoing'
), opened AS (
    SELECT customer, number, started_at FROM turn WHERE answered_at IS NULL
    UNION ALL
    SELECT waiting.customer, first.number, first.at
      FROM waiting
     CROSS JOIN LATERAL (
           SELECT max(answer.at) AS at
             FROM wa.keys(waiting.customer) AS known (name)
            CROSS JOIN LATERAL (
                  SELECT message.timestamp::timestamp AS at
                    FROM whatsapp_messages AS message
                   WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                         message.customer_user_id, message.group_id) = known.name
                     AND message.timestamp < :until AND message.direction = 'outgoing'
                     AND wa.is_turn_event(message.direction, message.message_type::text, message.status::text, message.campaign,
                                          message.sent_by)
                   ORDER BY message.timestamp DESC LIMIT 1) AS answer) AS ours
     CROSS JOIN LATERAL (
           SELECT theirs.number, theirs.at
             FROM wa.keys(waiting.customer) AS known (name)
            CROSS JOIN LATERAL (
                  SELECT wa.business_number(message.direction, message.from_phone, message.to_phone) AS number,
                         message.timestamp::timestamp AS at
                    FROM whatsapp_messages AS message
                   WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                         message.customer_user_id, message.group_id) = known.name
                     AND message.timestamp < :until AND message.direction IS DISTINCT FROM 'outgoing'
                     AND message.timestamp > coalesce(ours.at, '-infinity')
                     AND wa.is_turn_event(message.direction, message.message_type::text, message.status::text, message.campaign,
                                          message.sent_by)
                     AND NOT EXISTS (SELECT FROM wa.message_edits AS edit
                                      WHERE edit.message_id = message.message_id AND edit.revoked_at IS NOT NULL)
                   ORDER BY message.timestamp LIMIT 1) AS theirs
            ORDER BY theirs.at LIMIT 1) AS first
     WHERE first.at < :since
)
SELECT customer, number, started_at AT TIME ZONE 'UTC' AS since
  FROM opened
 ORDER BY started_at, customer, number
