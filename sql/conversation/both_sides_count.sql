-- The number of messages of one conversation since then, with unsent ones.
WITH keys AS MATERIALIZED (
    SELECT name
      FROM wa.keys(coalesce((SELECT same_as FROM wa.contacts WHERE customer = wa.person_key(:customer)),
                            wa.person_key(:customer))) AS known (name)
)
SELECT (SELECT count(*)
          FROM keys
          JOIN whatsapp_messages AS message
            ON wa.customer_key(message.direction, message.from_phone, message.to_phone, message.customer_user_id,
                               message.group_id) = keys.name
         WHERE message.timestamp >= :since
           AND NOT (message.message_type IN ('edit', 'revoke')
                    AND EXISTS (SELECT FROM whatsapp_messages AS changed
                                 WHERE changed.message_id = message.context_message_id)))
     + (SELECT count(*)
          FROM keys
          JOIN wa.outbox AS unsent
            ON unsent.customer = keys.name AND unsent.state IN ('queued', 'sending', 'uncertain', 'held', 'cancelled')
         WHERE unsent.queued_at AT TIME ZONE 'UTC' >= :since)
