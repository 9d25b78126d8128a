-- The instant at which the 24-hour window of each customer to this number closed, of those that are closed. A customer who
-- never wrote is not known to have one. Without a number, a message to any number counts.
SELECT asked.customer, max(newest.at + interval '24 hours') AT TIME ZONE 'UTC' AS closed_at
  FROM unnest(CAST(:customers AS text[])) AS asked (customer)
 CROSS JOIN LATERAL (
       SELECT coalesce((SELECT same_as FROM wa.contacts WHERE customer = wa.person_key(asked.customer)),
                       wa.person_key(asked.customer)) AS key) AS person
 CROSS JOIN LATERAL wa.keys(person.key) AS known (key)
 CROSS JOIN LATERAL (
       SELECT stored.timestamp::timestamp AS at
         FROM whatsapp_messages AS stored
        WHERE wa.customer_key(stored.direction, stored.from_phone, stored.to_phone, stored.customer_user_id,
                              stored.group_id) = known.key
          AND stored.timestamp IS NOT NULL
          AND wa.opens_window(stored.direction, stored.message_type::text, stored.campaign)
          AND (CAST(:number AS text) IS NULL
               OR coalesce(wa.business_number(stored.direction, stored.from_phone, stored.to_phone) = :number, TRUE))
        ORDER BY stored.timestamp DESC
        LIMIT 1) AS newest
 GROUP BY asked.customer
HAVING max(newest.at) + interval '24 hours' <= clock_timestamp() AT TIME ZONE 'UTC'
