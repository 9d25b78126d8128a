-- The number of stored messages of one conversation since then.
SELECT count(*)
  FROM wa.keys(coalesce((SELECT same_as FROM wa.contacts WHERE customer = wa.person_key(:customer)),
                        wa.person_key(:customer))) AS known (name)
  JOIN whatsapp_messages AS message
    ON wa.customer_key(message.direction, message.from_phone, message.to_phone, message.customer_user_id, message.group_id)
       = known.name
 WHERE message.timestamp >= :since
   AND NOT (message.message_type IN ('edit', 'revoke')
            AND EXISTS (SELECT FROM whatsapp_messages AS changed WHERE changed.message_id = message.context_message_id))
