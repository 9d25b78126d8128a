-- Turns that begin in [:since, :until), of one customer where asked: from a customer's first unanswered message to our next one to them.
-- Only rows of the range are read, and for each customer in it one look to either side, by the conversation index.
event AS MATERIALIZED (
    SELECT coalesce(alias.same_as, who.customer) AS customer,
           coalesce(message.direction, 'incoming') AS direction,
           message.timestamp AS at, message.created_at, message.id, message.employee_id, message.content,
           message.message_type
      FROM whatsapp_messages AS message
     CROSS JOIN LATERAL (SELECT wa.person_key(wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                                              message.customer_user_id)) AS customer) AS who
      LEFT JOIN wa.contacts AS alias ON alias.customer = who.customer AND alias.same_as IS NOT NULL
     WHERE message.timestamp >= :since AND message.timestamp < :until
       AND wa.is_turn_event(message.direction, message.message_type, message.status, message.campaign)
       AND (CAST(:customer AS text) IS NULL OR coalesce(alias.same_as, who.customer) = :customer)
), placed AS MATERIALIZED (
    SELECT event.*,
           lag(direction) OVER story AS before,
           count(*) FILTER (WHERE direction = 'outgoing') OVER story AS answers
      FROM event
    WINDOW story AS (PARTITION BY customer ORDER BY at, created_at, id ROWS UNBOUNDED PRECEDING)
), start AS MATERIALIZED (
    SELECT placed.*
      FROM placed
      LEFT JOIN LATERAL (
           SELECT earlier.direction
             FROM wa.keys(placed.customer) AS known (name)
            CROSS JOIN LATERAL (
                  SELECT coalesce(message.direction, 'incoming') AS direction, message.timestamp AS at,
                         message.created_at, message.id
                    FROM whatsapp_messages AS message
                   WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                         message.customer_user_id) = known.name
                     AND message.timestamp < :since
                     AND wa.is_turn_event(message.direction, message.message_type, message.status, message.campaign)
                   ORDER BY message.timestamp DESC, message.created_at DESC, message.id DESC
                   LIMIT 1) AS earlier
            ORDER BY earlier.at DESC, earlier.created_at DESC, earlier.id DESC
            LIMIT 1) AS last_before ON placed.before IS NULL
     WHERE placed.direction = 'incoming'
       AND (placed.before = 'outgoing'
            OR placed.before IS NULL AND last_before.direction IS DISTINCT FROM 'incoming')
), turn AS MATERIALIZED (
    SELECT start.customer, start.at AS started_at, start.answers,
           coalesce(answer.at, later.at) AS answered_at,
           CASE WHEN answer.at IS NOT NULL THEN answer.employee_id ELSE later.employee_id END AS employee_id
      FROM start
      LEFT JOIN placed AS answer
        ON answer.customer = start.customer AND answer.direction = 'outgoing' AND answer.answers = start.answers + 1
      LEFT JOIN LATERAL (
           SELECT following.at, following.employee_id
             FROM wa.keys(start.customer) AS known (name)
            CROSS JOIN LATERAL (
                  SELECT message.timestamp AS at, message.employee_id, message.created_at, message.id
                    FROM whatsapp_messages AS message
                   WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                         message.customer_user_id) = known.name
                     AND message.timestamp >= :until AND message.direction = 'outgoing'
                     AND wa.is_turn_event(message.direction, message.message_type, message.status, message.campaign)
                   ORDER BY message.timestamp, message.created_at, message.id
                   LIMIT 1) AS following
            ORDER BY following.at, following.created_at, following.id
            LIMIT 1) AS later ON answer.at IS NULL
)
