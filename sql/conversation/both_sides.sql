-- Both sides of one conversation, oldest first, whichever way the number was written; what is not sent yet is there too. Each
-- with the message that it answers.
WITH keys AS MATERIALIZED (
    SELECT name
      FROM wa.keys(coalesce((SELECT same_as FROM wa.contacts WHERE customer = wa.person_key(:customer)),
                            wa.person_key(:customer))) AS known (name)
), said AS (
    SELECT message.timestamp AS at, message.created_at, message.id::text AS id,
           coalesce(message.direction, 'incoming') AS direction, message.message_type, message.content, message.media_url,
           message.template_name, message.status, message.failure_reason, message.delivered_at, message.read_at,
           message.employee_id, message.message_id, message.context_message_id
      FROM keys
     CROSS JOIN LATERAL (
           SELECT * FROM whatsapp_messages AS message
            WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone, message.customer_user_id)
                  = keys.name
              AND message.timestamp >= :since
            ORDER BY message.timestamp DESC LIMIT :limit) AS message
    UNION ALL
    SELECT unsent.queued_at AT TIME ZONE 'UTC', unsent.created_at AT TIME ZONE 'UTC', unsent.reference::text, 'outgoing',
           unsent.message_type,
           coalesce(unsent.message -> unsent.message_type ->> 'body', unsent.message -> unsent.message_type ->> 'caption'),
           unsent.message -> unsent.message_type ->> 'link', unsent.message -> 'template' ->> 'name',
           unsent.state, unsent.failure_reason, NULL, NULL, unsent.employee_id, NULL, NULL
      FROM keys
      JOIN wa.outbox AS unsent
        ON unsent.customer = keys.name AND unsent.state IN ('queued', 'sending', 'uncertain', 'held', 'cancelled')
     WHERE unsent.queued_at AT TIME ZONE 'UTC' >= :since
), newest AS (
    SELECT * FROM said ORDER BY at DESC, created_at DESC, id DESC LIMIT :limit
)
SELECT newest.*, coalesce(employee.name, newest.employee_id::text) AS employee,
       coalesce(nullif(quoted.content, ''), '[' || quoted.message_type || ']') AS quoted
  FROM newest
  LEFT JOIN wa.employees AS employee ON employee.id = newest.employee_id
  LEFT JOIN whatsapp_messages AS quoted ON quoted.message_id = newest.context_message_id
 ORDER BY at, created_at, newest.id
