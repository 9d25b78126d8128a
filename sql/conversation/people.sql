-- People whose number, or any of its variants, begins so, with their last message. People without a profile are
-- included. :beyond is the first number that begins otherwise, or NULL.
WITH RECURSIVE written AS (
    (SELECT wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id) AS key
       FROM whatsapp_messages
      WHERE wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id) >= :key
      ORDER BY 1 LIMIT 1)
    UNION ALL
    SELECT next.key  -- from one key to the next by the index, however many messages each has
      FROM written
     CROSS JOIN LATERAL (
           SELECT wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id) AS key
             FROM whatsapp_messages
            WHERE wa.customer_key(direction, from_phone, to_phone, customer_user_id, group_id) > written.key
            ORDER BY 1 LIMIT 1) AS next
     WHERE next.key < :beyond OR CAST(:beyond AS text) IS NULL
), begun AS (
    SELECT customer AS key FROM wa.contacts WHERE starts_with(customer, :key)
     UNION
    SELECT key FROM written WHERE starts_with(key, :key)
     UNION
    SELECT wa.person_key(:key)
), person AS (
    SELECT DISTINCT coalesce(alias.same_as, wa.person_key(begun.key)) AS customer
      FROM begun
      LEFT JOIN wa.contacts AS alias ON alias.customer = wa.person_key(begun.key) AND alias.same_as IS NOT NULL
)
SELECT person.customer, contact.name, last.timestamp::timestamp AT TIME ZONE 'UTC' AS last_at, last.content
  FROM person
  LEFT JOIN wa.contacts AS contact ON contact.customer = person.customer
  LEFT JOIN LATERAL (
       SELECT newest.timestamp, newest.content
         FROM wa.keys(person.customer) AS known (key)
        CROSS JOIN LATERAL (
              SELECT stored.timestamp,
                     CASE WHEN edit.revoked_at IS NULL THEN CASE WHEN edit.edited_at IS NULL THEN stored.content ELSE edit.content END END AS content
                FROM whatsapp_messages AS stored
                LEFT JOIN wa.message_edits AS edit ON edit.message_id = stored.message_id
               WHERE wa.customer_key(stored.direction, stored.from_phone, stored.to_phone, stored.customer_user_id,
                                     stored.group_id) = known.key
                 AND stored.timestamp IS NOT NULL
               ORDER BY stored.timestamp DESC LIMIT 1) AS newest
        ORDER BY newest.timestamp DESC LIMIT 1) AS last ON TRUE
 WHERE contact.customer IS NOT NULL OR last.timestamp IS NOT NULL
 ORDER BY last.timestamp DESC NULLS LAST, person.customer
 LIMIT :limit
