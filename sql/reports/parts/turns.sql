-- Turns that begin in [:since, :until), of one customer where asked: from a customer's first unanswered message to our next
-- one to them. Only rows of the range are read, and for each customer in it one look to either side, by the conversation index.
event AS (
    SELECT coalesce(alias.same_as, who.customer) AS customer,
           coalesce(message.direction, 'incoming') AS direction,
           message.timestamp AS at, message.created_at, message.id, message.employee_id
      FROM whatsapp_messages AS message
     CROSS JOIN LATERAL (SELECT wa.person_key(wa.customer_key(message.direction, message.from_phone, message.to_phone,
                                                              message.customer_user_id)) AS customer
                           OFFSET 0) AS who  -- so that it is worked out once
      LEFT JOIN wa.contacts AS alias ON alias.customer = who.customer AND alias.same_as IS NOT NULL
     WHERE message.timestamp >= :since AND message.timestamp < :until
       AND who.customer IS NOT NULL
       AND wa.is_turn_event(message.direction, message.message_type, message.status, message.campaign)
       AND (CAST(:customer AS text) IS NULL OR coalesce(alias.same_as, who.customer) = :customer)
       AND (CAST(:keys AS text[]) IS NULL  -- the same again, for the index of conversations
            OR wa.customer_key(message.direction, message.from_phone, message.to_phone, message.customer_user_id)
               = ANY (CAST(:keys AS text[])))
), placed AS (
    SELECT event.*,
           lag(direction) OVER story AS before,
           count(*) FILTER (WHERE direction = 'outgoing') OVER story AS answers
      FROM event
    WINDOW story AS (PARTITION BY customer COLLATE "C" ORDER BY at, created_at, id ROWS UNBOUNDED PRECEDING)
), change AS MATERIALIZED (
    -- Where the other side begins to write: what follows a customer's is our answer.
    SELECT placed.*, lead(at) OVER story AS answered_at, lead(employee_id) OVER story AS answered_by
      FROM placed
     WHERE before IS DISTINCT FROM direction
    WINDOW story AS (PARTITION BY customer COLLATE "C" ORDER BY at, created_at, id)
), start AS MATERIALIZED (
    SELECT customer, at, answers, answered_at, answered_by FROM change WHERE direction = 'incoming' AND before = 'outgoing'
    UNION ALL
    -- A customer's first in the range: what was said last before it?
    SELECT change.customer, change.at, change.answers, change.answered_at, change.answered_by
      FROM change
      LEFT JOIN LATERAL (
           SELECT earlier.direction
             FROM wa.keys(change.customer) AS known (name)
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
            LIMIT 1) AS last_before ON TRUE
     WHERE change.direction = 'incoming' AND change.before IS NULL AND last_before.direction IS DISTINCT FROM 'incoming'
), turn AS MATERIALIZED (
    SELECT customer, at AS started_at, answers, answered_at, answered_by AS employee_id FROM start
     WHERE answered_at IS NOT NULL
    UNION ALL
    -- Not answered in the range: is there an answer after it?
    SELECT start.customer, start.at, start.answers, later.at, later.employee_id
      FROM start
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
            LIMIT 1) AS later ON TRUE
     WHERE start.answered_at IS NULL
)
