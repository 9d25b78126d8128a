-- People whose number or user id begins so, or who are called so, with when they last wrote or were written to.
SELECT contact.customer, contact.name, last.timestamp AT TIME ZONE 'UTC' AS last_at, last.content
  FROM wa.contacts AS contact
  LEFT JOIN LATERAL (
       SELECT stored.timestamp, stored.content
         FROM wa.keys(contact.customer) AS known (key)
         JOIN whatsapp_messages AS stored
           ON wa.customer_key(stored.direction, stored.from_phone, stored.to_phone, stored.customer_user_id) = known.key
        ORDER BY stored.timestamp DESC LIMIT 1) AS last ON TRUE
 WHERE contact.same_as IS NULL AND starts_with(contact.customer, :key)
 ORDER BY last.timestamp DESC NULLS LAST, contact.customer
 LIMIT :limit
