-- Both sides of one conversation, oldest first, for every variant of the number, with unsent messages, each with the
-- message that it answers. An edited message shows its new text and keeps the original, a revoked one shows none.
-- Rows of edits are left out if their message is stored.
WITH keys AS MATERIALIZED (
    SELECT name
      FROM wa.keys(coalesce((SELECT same_as FROM wa.contacts WHERE customer = wa.person_key(:customer)),
                            wa.person_key(:customer))) AS known (name)
), said AS (
    SELECT message.timestamp::timestamp AS at, message.created_at::timestamp, message.id::text AS id,
           coalesce(message.direction, 'incoming') AS direction, message.message_type::text,
           CASE WHEN edit.revoked_at IS NULL THEN CASE WHEN edit.edited_at IS NULL THEN message.content ELSE edit.content END END AS content,
           CASE WHEN edit.revoked_at IS NULL THEN message.media_url END AS media_url,
           message.template_name, message.status::text, message.failure_reason,
           message.delivered_at::timestamp AT TIME ZONE 'UTC' AS delivered_at,
           message.read_at::timestamp AT TIME ZONE 'UTC' AS read_at, message.retry_count,
           message.employee_id, message.message_id, message.context_message_id, message.sent_by, message.campaign,
           message.reference,
           CASE WHEN message.group_id IS NOT NULL AND message.direction IS DISTINCT FROM 'outgoing'
                THEN coalesce(nullif(message.from_phone, ''), message.customer_user_id) END AS participant,
           edit.edited_at, edit.revoked_at,
           CASE WHEN edit.edited_at IS NOT NULL AND edit.revoked_at IS NULL THEN message.content END AS original
      FROM keys
     CROSS JOIN LATERAL (
           SELECT * FROM whatsapp_messages AS message
            WHERE wa.customer_key(message.direction, message.from_phone, message.to_phone, message.customer_user_id,
                                  message.group_id) = keys.name
              AND message.timestamp >= :since
              AND NOT (message.message_type IN ('edit', 'revoke')
                       AND EXISTS (SELECT FROM whatsapp_messages AS changed
                                    WHERE changed.message_id = message.context_message_id))
            ORDER BY message.timestamp DESC LIMIT :limit) AS message
      LEFT JOIN wa.message_edits AS edit ON edit.message_id = message.message_id
    UNION ALL
    SELECT unsent.queued_at AT TIME ZONE 'UTC', unsent.created_at AT TIME ZONE 'UTC', unsent.reference::text, 'outgoing',
           unsent.message_type,
           coalesce(unsent.message -> unsent.message_type ->> 'body', unsent.message -> unsent.message_type ->> 'caption'),
           unsent.message -> unsent.message_type ->> 'link', unsent.message -> 'template' ->> 'name',
           unsent.state, unsent.failure_reason, NULL, NULL, unsent.retry_count, unsent.employee_id, NULL, NULL, unsent.sent_by,
           unsent.campaign, unsent.reference,
           NULL, NULL, NULL, NULL
      FROM keys
      JOIN wa.outbox AS unsent
        ON unsent.customer = keys.name AND unsent.state IN ('queued', 'sending', 'uncertain', 'held', 'cancelled')
     WHERE unsent.queued_at AT TIME ZONE 'UTC' >= :since
), newest AS (
    SELECT * FROM said ORDER BY at DESC, created_at DESC, id DESC LIMIT :limit
)
SELECT newest.*, coalesce(employee.name, newest.employee_id::text) AS employee,
       CASE WHEN changed.revoked_at IS NOT NULL THEN '[deleted]'
            ELSE coalesce(nullif(coalesce(changed.content, quoted.content), ''), '[' || quoted.message_type || ']') END AS quoted,
       coalesce(person.name, person.username) AS participant_name
  FROM newest
  LEFT JOIN wa.employees AS employee ON employee.id = newest.employee_id
  LEFT JOIN whatsapp_messages AS quoted ON quoted.message_id = newest.context_message_id
  LEFT JOIN wa.message_edits AS changed ON changed.message_id = newest.context_message_id
  LEFT JOIN wa.contacts AS person ON person.customer = wa.person_key(ltrim(newest.participant, '+'))
 ORDER BY at, created_at, newest.id
