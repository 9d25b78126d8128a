-- Whole conversations in [:since, :until) of these people, one after the other, or rows without a customer if
-- :people is NULL.
SELECT coalesce(alias.same_as, who.customer) AS customer, contact.name, stored.timestamp::timestamp AT TIME ZONE 'UTC' AS at,
       coalesce(stored.direction, 'incoming') AS direction, coalesce(employee.name, stored.employee_id::text) AS employee,
       stored.message_type AS type,
       CASE WHEN edit.revoked_at IS NULL THEN CASE WHEN edit.edited_at IS NULL THEN stored.content ELSE edit.content END END AS content,
       CASE WHEN edit.revoked_at IS NULL THEN stored.media_url END AS media_url, stored.template_name, stored.status,
       stored.failure_reason, stored.delivered_at::timestamp AT TIME ZONE 'UTC' AS delivered_at,
       stored.read_at::timestamp AT TIME ZONE 'UTC' AS read_at, stored.message_id, stored.context_message_id,
       stored.template_params::text, stored.retry_count, stored.last_retry_at::timestamp AT TIME ZONE 'UTC' AS last_retry_at
  FROM whatsapp_messages AS stored
 CROSS JOIN LATERAL (SELECT wa.person_key(wa.customer_key(stored.direction, stored.from_phone, stored.to_phone,
                                                          stored.customer_user_id, stored.group_id)) AS customer) AS who
  LEFT JOIN wa.contacts AS alias ON alias.customer = who.customer AND alias.same_as IS NOT NULL
  LEFT JOIN wa.contacts AS contact ON contact.customer = coalesce(alias.same_as, who.customer)
  LEFT JOIN wa.employees AS employee ON employee.id = stored.employee_id
  LEFT JOIN wa.message_edits AS edit ON edit.message_id = stored.message_id
 WHERE stored.timestamp >= :since AND stored.timestamp < :until
   AND (wa.customer_key(stored.direction, stored.from_phone, stored.to_phone, stored.customer_user_id, stored.group_id)
        = ANY (ARRAY(
            SELECT known.key
              FROM unnest(CAST(:people AS text[])) AS person (key)
             CROSS JOIN LATERAL wa.keys(person.key) AS known (key)))
        OR CAST(:people AS text[]) IS NULL
           AND wa.customer_key(stored.direction, stored.from_phone, stored.to_phone, stored.customer_user_id,
                               stored.group_id) IS NULL)
 ORDER BY 1 NULLS LAST, stored.timestamp, stored.created_at, stored.id
