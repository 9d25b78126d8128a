-- Messages in [:since, :until) with these words, by rank or newest first, optionally of one person. Revoked messages
-- and former texts of edited messages are left out.
SELECT found.timestamp::timestamp AT TIME ZONE 'UTC' AS at, coalesce(found.direction, 'incoming') AS direction,
       coalesce(alias.same_as, who.customer) AS customer, contact.name, employee.name AS employee,
       found.message_type AS type, found.content, found.message_id,
       ts_headline(CAST(:language AS regconfig), coalesce(found.content, ''), found.query,
                   'StartSel=' || chr(2) || ', StopSel=' || chr(3) || ', HighlightAll=true') AS marked
  FROM (SELECT stored.*, asked.query
          FROM (SELECT string_agg('(' || part.query::text || ')', ' | ')::tsquery AS query
                  FROM json_to_recordset(CAST(:alternatives AS json)) AS alternative (words text, prefixes text)
                 CROSS JOIN LATERAL (SELECT websearch_to_tsquery(CAST(:language AS regconfig), alternative.words)) AS said (query)
                 CROSS JOIN LATERAL (SELECT to_tsquery(CAST(:language AS regconfig), alternative.prefixes)) AS begun (query)
                 CROSS JOIN LATERAL (
                       SELECT CASE WHEN begun.query IS NULL THEN said.query
                                   WHEN numnode(said.query) = 0 THEN begun.query
                                   ELSE said.query && begun.query END AS query) AS part
                 WHERE numnode(part.query) > 0) AS asked
          JOIN whatsapp_messages AS stored
            ON to_tsvector(CAST(:language AS regconfig), left(coalesce(stored.content, ''), 50000)) @@ asked.query
         WHERE stored.timestamp >= :since AND stored.timestamp < :until
           AND NOT EXISTS (
               SELECT FROM wa.message_edits AS edit
                WHERE edit.message_id = CASE stored.message_type WHEN 'edit' THEN stored.context_message_id
                                                                 ELSE stored.message_id END
                  AND (edit.revoked_at IS NOT NULL
                       OR CASE stored.message_type WHEN 'edit' THEN edit.edited_at > stored.timestamp::timestamp AT TIME ZONE 'UTC'
                                                   ELSE edit.edited_at IS NOT NULL END))
           AND (CAST(:keys AS text[]) IS NULL
                OR wa.customer_key(stored.direction, stored.from_phone, stored.to_phone, stored.customer_user_id,
                                   stored.group_id) = ANY (CAST(:keys AS text[])))
         ORDER BY CASE WHEN :ranked
                       THEN ts_rank(to_tsvector(CAST(:language AS regconfig), left(coalesce(stored.content, ''), 50000)),
                                    asked.query) END
                  DESC, stored.timestamp DESC, stored.id DESC
         LIMIT :limit) AS found
 CROSS JOIN LATERAL (SELECT wa.person_key(wa.customer_key(found.direction, found.from_phone, found.to_phone,
                                                          found.customer_user_id, found.group_id)) AS customer) AS who
  LEFT JOIN wa.contacts AS alias ON alias.customer = who.customer AND alias.same_as IS NOT NULL
  LEFT JOIN wa.contacts AS contact ON contact.customer = coalesce(alias.same_as, who.customer)
  LEFT JOIN wa.employees AS employee ON employee.id = found.employee_id
