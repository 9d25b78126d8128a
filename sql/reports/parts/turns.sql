-- Turns that begin in [:since, :until), optionally of one customer: from a customer's first unanswered message to
-- our next one, for each business number. Only rows of the range are read, and one row at either side of each
-- customer's, by the conversation index. A row without a business number belongs to every one.
event AS (
    SELECT coalesce(alias.same_as, known.customer) AS customer, known.number, known.is_ours, known.at, known.created_at,
           known.id, known.employee_id
      FROM (SELECT stored.*, wa.person_key(stored.key) AS customer
              FROM (SELECT wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                           message.customer_user_id, message.group_id) AS key,
                           wa.business_number(message.direction, message.from_phone, message.to_phone) AS number,
                           message.direction IS NOT DISTINCT FROM 'outgoing' AS is_ours,
                           message.timestamp::timestamp AS at, message.created_at, message.id, message.employee_id
                      FROM whatsapp_messages AS message
                      LEFT JOIN wa.message_edits AS edit
                        ON edit.message_id = message.message_id AND edit.revoked_at IS NOT NULL
                     WHERE message.timestamp >= :since AND message.timestamp < :until
                       AND wa.is_turn_event(message.direction, message.message_type::text, message.status::text, message.campaign,
                                            message.sent_by)
                       AND edit.message_id IS NULL
                       AND (CAST(:keys AS text[]) IS NULL
                            OR wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                               message.customer_user_id, message.group_id) = ANY (CAST(:keys AS text[])))
                    OFFSET 0) AS stored  -- so that key and person are computed once
             WHERE stored.key IS NOT NULL
            OFFSET 0) AS known
      LEFT JOIN wa.contacts AS alias ON alias.customer = known.customer AND alias.same_as IS NOT NULL
     WHERE CAST(:customer AS text) IS NULL OR coalesce(alias.same_as, known.customer) = :customer
), story AS (
    SELECT event.*, lag(is_ours) OVER story AS was_ours, lag(number) OVER story AS number_before
      FROM event
    WINDOW story AS (PARTITION BY customer COLLATE "C" ORDER BY at, created_at, id)
), placed AS (
    -- A message on the same side and of the same number as the one before it changes nothing, in any line.
    SELECT story.*, min(number COLLATE "C") OVER person < max(number COLLATE "C") OVER person AS has_several
      FROM story
     WHERE was_ours IS DISTINCT FROM is_ours OR number IS DISTINCT FROM number_before
    WINDOW person AS (PARTITION BY customer COLLATE "C" ORDER BY at, created_at, id
                      ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
), line AS (
    -- A customer who wrote to several business numbers has turns with each.
    SELECT DISTINCT customer, number AS line FROM placed WHERE has_several AND NOT is_ours
), change AS (
    -- The first message of each side's run. The one after a customer's is our answer.
    SELECT placed.*, lead(at) OVER story AS answered_at, lead(employee_id) OVER story AS answered_by
      FROM placed
     WHERE was_ours IS DISTINCT FROM is_ours AND has_several IS NOT TRUE
    WINDOW story AS (PARTITION BY customer COLLATE "C" ORDER BY at, created_at, id)
    UNION ALL
    SELECT customer, number, is_ours, at, created_at, id, employee_id, was_ours, number_before, has_several,
           lead(at) OVER story, lead(employee_id) OVER story
      FROM (SELECT placed.customer, placed.number, placed.is_ours, placed.at, placed.created_at, placed.id,
                   placed.employee_id, lag(placed.is_ours) OVER story AS was_ours, placed.number_before, placed.has_several,
                   line.line
              FROM placed
              JOIN line ON line.customer = placed.customer
                       AND CASE WHEN placed.is_ours THEN placed.number = line.line OR placed.number IS NULL OR line.line IS NULL
                                ELSE placed.number IS NOT DISTINCT FROM line.line END
             WHERE placed.has_several
            WINDOW story AS (PARTITION BY placed.customer COLLATE "C", line.line
                                 ORDER BY placed.at, placed.created_at, placed.id)) AS split
     WHERE was_ours IS DISTINCT FROM is_ours
    WINDOW story AS (PARTITION BY customer COLLATE "C", line ORDER BY at, created_at, id)
), asked AS (
    SELECT customer, number, at, created_at, id, was_ours, answered_at, answered_by FROM change WHERE NOT is_ours
), start AS (
    SELECT customer, number, at, created_at, id, answered_at, answered_by FROM asked WHERE was_ours
    UNION ALL
    -- A customer's first message in the range: find the last one before it.
    SELECT asked.customer, asked.number, asked.at, asked.created_at, asked.id, asked.answered_at, asked.answered_by
      FROM asked
      LEFT JOIN LATERAL (
           SELECT earlier.is_ours
             FROM wa.keys(asked.customer) AS known (name)
            CROSS JOIN LATERAL (
                  SELECT message.direction IS NOT DISTINCT FROM 'outgoing' AS is_ours, message.timestamp::timestamp AS at,
                         message.created_at, message.id
                    FROM whatsapp_messages AS message
                   WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                         message.customer_user_id, message.group_id) = known.name
                     AND message.timestamp < :since
                     AND wa.is_turn_event(message.direction, message.message_type::text, message.status::text, message.campaign,
                                          message.sent_by)
                     AND coalesce(wa.business_number(message.direction, message.from_phone, message.to_phone)
                                  = asked.number, TRUE)
                     AND NOT EXISTS (SELECT FROM wa.message_edits AS edit
                                      WHERE edit.message_id = message.message_id AND edit.revoked_at IS NOT NULL)
                   ORDER BY message.timestamp DESC, message.created_at DESC, message.id DESC
                   LIMIT 1) AS earlier
            ORDER BY earlier.at DESC, earlier.created_at DESC, earlier.id DESC
            LIMIT 1) AS last_before ON TRUE
     WHERE asked.was_ours IS NULL AND last_before.is_ours IS DISTINCT FROM FALSE
), turn AS (
    SELECT customer, number, at AS started_at, created_at, id, answered_at, answered_by AS employee_id FROM start
     WHERE answered_at IS NOT NULL
    UNION ALL
    -- Not answered in the range: find an answer after it.
    SELECT start.customer, start.number, start.at, start.created_at, start.id, later.at, later.employee_id
      FROM start
      LEFT JOIN LATERAL (
           SELECT following.at, following.employee_id
             FROM wa.keys(start.customer) AS known (name)
            CROSS JOIN LATERAL (
                  SELECT message.timestamp::timestamp AS at, message.employee_id, message.created_at, message.id
                    FROM whatsapp_messages AS message
                   WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                         message.customer_user_id, message.group_id) = known.name
                     AND message.timestamp >= :until AND message.direction = 'outgoing'
                     AND wa.is_turn_event(message.direction, message.message_type::text, message.status::text, message.campaign,
                                          message.sent_by)
                     AND coalesce(wa.business_number(message.direction, message.from_phone, message.to_phone)
                                  = start.number, TRUE)
                     AND NOT EXISTS (SELECT FROM wa.message_edits AS edit
                                      WHERE edit.message_id = message.message_id AND edit.revoked_at IS NOT NULL)
                   ORDER BY message.timestamp, message.created_at, message.id
                   LIMIT 1) AS following
            ORDER BY following.at, following.created_at, following.id
            LIMIT 1) AS later ON TRUE
     WHERE start.answered_at IS NULL
)
