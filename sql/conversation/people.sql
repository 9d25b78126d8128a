-- People whose number begins so, by any number they are known by, with what was said last; the exact one also where nobody knows
-- more of them than their messages.
SELECT person.customer, contact.name, last.timestamp AT TIME ZONE 'UTC' AS last_at, last.content
  FROM (SELECT coalesce(same_as, customer) AS customer FROM wa.contacts WHERE starts_with(customer, :key)
         UNION
        SELECT wa.person_key(:key)) AS person
  LEFT JOIN wa.contacts AS contact ON contact.customer = person.customer
  LEFT JOIN LATERAL (
       SELECT stored.timestamp, stored.content
         FROM wa.keys(person.customer) AS known (key)
         JOIN whatsapp_messages AS stored
           ON wa.customer_key(stored.direction, stored.from_phone, stored.to_phone, stored.customer_user_id) = known.key
        ORDER BY stored.timestamp DESC LIMIT 1) AS last ON TRUE
 WHERE contact.customer IS NOT NULL OR last.timestamp IS NOT NULL
 ORDER BY last.timestamp DESC NULLS LAST, person.customer
 LIMIT :limit
