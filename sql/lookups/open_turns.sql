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
), newest AS MATERIALIZED (
    -- The last word of each conversation, before the range too.
    SELECT key.key, coalesce(alias.same_as, wa.person_key(key.key)) AS customer, last.number, last.is_ours
      FROM key
     CROSS JOIN LATERAL (
           SELECT wa.business_number(message.direction, message.from_phone, message.to_phone) AS number,
                  message.direction IS NOT DISTINCT FROM 'outgoing' AS is_ours
             FROM whatsapp_messages AS message
            WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone, message.customer_user_id,
                                  message.group_id) = key.key
              AND message.timestamp < :until
              AND wa.is_turn_event(message.direction, message.message_type::text, message.status::text, message.campaign,
                                   message.sent_by)
              AND NOT EXISTS (SELECT FROM wa.message_edits AS edit
                               WHERE edit.message_id = message.message_id AND edit.revoked_at IS NOT NULL)
            ORDER BY message.timestamp DESC, message.created_at DESC, message.id DESC
            LIMIT 1) AS last
      LEFT JOIN wa.contacts AS alias ON alias.customer = wa.person_key(key.key) AND alias.same_as IS NOT NULL
), business AS MATERIALIZED (
    -- No index has them: those of the newest messages, and of the last word of each conversation.
    SELECT number FROM newest
    UNION
    SELECT wa.business_number(direction, from_phone, to_phone)
      FROM (SELECT direction, from_phone, to_phone FROM whatsapp_messages ORDER BY timestamp DESC LIMIT 100000) AS recent
), several AS MATERIALIZED (
    -- Customers who wrote with several business numbers. A business with one number has none, and reads no row for it.
    SELECT newest.customer
      FROM newest
     CROSS JOIN business
     CROSS JOIN LATERAL (
           SELECT FROM whatsapp_messages AS message
            WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone, message.customer_user_id,
                                  message.group_id) = newest.key
              AND message.timestamp < :until
              AND wa.business_number(message.direction, message.from_phone, message.to_phone) = business.number
              AND wa.is_turn_event(message.direction, message.message_type::text, message.status::text, message.campaign,
                                   message.sent_by)
              AND NOT EXISTS (SELECT FROM wa.message_edits AS edit
                               WHERE edit.message_id = message.message_id AND edit.revoked_at IS NOT NULL)
            LIMIT 1) AS found
     WHERE 1 < (SELECT count(number) FROM business)
     GROUP BY newest.customer
    HAVING count(DISTINCT business.number) > 1
), waiting AS (
    SELECT DISTINCT customer, CAST(NULL AS text) AS line, FALSE AS has_several
      FROM newest
     WHERE NOT is_ours AND customer NOT IN (SELECT customer FROM several)
    UNION ALL
    SELECT several.customer, business.number, TRUE FROM several CROSS JOIN business
), opened AS (
    SELECT customer, number, started_at FROM turn WHERE answered_at IS NULL
    UNION ALL
    SELECT waiting.customer, first.number, first.at
      FROM waiting
      LEFT JOIN LATERAL (
           SELECT answer.*
             FROM wa.keys(waiting.customer) AS known (name)
            CROSS JOIN LATERAL (
                  SELECT message.timestamp::timestamp AS at, coalesce(message.created_at::timestamp, 'infinity') AS created_at,
                         message.id
                    FROM whatsapp_messages AS message
                   WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                         message.customer_user_id, message.group_id) = known.name
                     AND message.timestamp < :until AND message.direction = 'outgoing'
                     AND wa.is_turn_event(message.direction, message.message_type::text, message.status::text, message.campaign,
                                          message.sent_by)
                     AND (NOT waiting.has_several
                          OR coalesce(wa.business_number(message.direction, message.from_phone, message.to_phone)
                                      = waiting.line, TRUE))
                     AND NOT EXISTS (SELECT FROM wa.message_edits AS edit
                                      WHERE edit.message_id = message.message_id AND edit.revoked_at IS NOT NULL)
                   ORDER BY message.timestamp DESC, message.created_at DESC, message.id DESC LIMIT 1) AS answer
            ORDER BY answer.at DESC, answer.created_at DESC, answer.id DESC LIMIT 1) AS ours ON TRUE
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
                     AND message.timestamp >= coalesce(ours.at, '-infinity')
                     AND (ours.at IS NULL OR message.timestamp > ours.at
                          OR (coalesce(message.created_at::timestamp, 'infinity'), message.id) > (ours.created_at, ours.id))
                     AND (NOT waiting.has_several
                          OR wa.business_number(message.direction, message.from_phone, message.to_phone)
                             IS NOT DISTINCT FROM waiting.line)
                     AND wa.is_turn_event(message.direction, message.message_type::text, message.status::text, message.campaign,
                                          message.sent_by)
                     AND NOT EXISTS (SELECT FROM wa.message_edits AS edit
                                      WHERE edit.message_id = message.message_id AND edit.revoked_at IS NOT NULL)
                   ORDER BY message.timestamp, message.created_at, message.id LIMIT 1) AS theirs
            ORDER BY theirs.at LIMIT 1) AS first
     WHERE first.at < :since
)
SELECT customer, number, started_at AT TIME ZONE 'UTC' AS since
  FROM opened
 ORDER BY started_at, customer, number
