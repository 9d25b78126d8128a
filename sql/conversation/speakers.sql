-- The keys of the people with messages in [:since, :until), and NULL for rows without a customer.
SELECT DISTINCT coalesce(alias.same_as, who.customer) AS customer
  FROM whatsapp_messages AS stored
 CROSS JOIN LATERAL (SELECT wa.person_key(wa.customer_key(stored.direction, stored.from_phone, stored.to_phone,
                                                          stored.customer_user_id, stored.group_id)) AS customer) AS who
  LEFT JOIN wa.contacts AS alias ON alias.customer = who.customer AND alias.same_as IS NOT NULL
 WHERE stored.timestamp >= :since AND stored.timestamp < :until
 ORDER BY 1 NULLS LAST
