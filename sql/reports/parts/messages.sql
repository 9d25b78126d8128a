-- Stored messages in [:since, :until), optionally of one customer or employee, with the person of each.
message AS NOT MATERIALIZED (
    SELECT coalesce(alias.same_as, who.customer) AS customer, who.key,
           coalesce(stored.direction, 'incoming') AS direction,
           stored.direction IS NOT DISTINCT FROM 'outgoing' AS is_ours,
           stored.direction IS NOT DISTINCT FROM 'outgoing' AND stored.status::text IS NOT DISTINCT FROM 'failed' AS has_failed,
           stored.timestamp::timestamp AS at, stored.timestamp::timestamp AT TIME ZONE 'UTC' AS instant,
           stored.timestamp::timestamp AT TIME ZONE 'UTC' AT TIME ZONE :tz AS local_at,
           wa.business_number(stored.direction, stored.from_phone, stored.to_phone) AS number,
           wa.opens_window(stored.direction, stored.message_type::text, stored.campaign) AS opens_window,
           CASE WHEN stored.direction = 'outgoing'
                THEN wa.sent_by(stored.sent_by, stored.campaign, stored.message_type::text) END AS sent_by,
           stored.id, stored.created_at, stored.message_id, stored.message_type::text, stored.content, stored.media_url,
           stored.status::text, stored.employee_id, stored.template_name, stored.campaign, stored.reference,
           stored.delivered_at, stored.read_at, stored.failure_reason, stored.retry_count
      FROM whatsapp_messages AS stored
     CROSS JOIN LATERAL (SELECT known.key, wa.person_key(known.key) AS customer
                           FROM (SELECT wa.customer_key(stored.direction, stored.from_phone, stored.to_phone,
                                                        stored.customer_user_id, stored.group_id) AS key) AS known) AS who
      LEFT JOIN wa.contacts AS alias ON alias.customer = who.customer AND alias.same_as IS NOT NULL
     WHERE stored.timestamp >= :since AND stored.timestamp < :until
       AND (CAST(:employee AS uuid) IS NULL OR stored.employee_id = CAST(:employee AS uuid))
       AND (CAST(:customer AS text) IS NULL OR coalesce(alias.same_as, who.customer) = :customer)
       AND (CAST(:keys AS text[]) IS NULL  -- the same again, for the index of conversations
            OR wa.customer_key(stored.direction, stored.from_phone, stored.to_phone, stored.customer_user_id,
                               stored.group_id) = ANY (CAST(:keys AS text[])))
)
