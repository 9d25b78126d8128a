-- Messages in [:since, :until) with these words, by rank or newest first, of one person where asked.
SELECT found.timestamp AT TIME ZONE 'UTC' AS at, coalesce(found.direction, 'incoming') AS direction,
       coalesce(alias.same_as, who.customer) AS customer, contact.name, employee.name AS employee,
       found.message_type AS type, found.content, found.message_id,
       ts_headline(CAST(:language AS regconfig), coalesce(found.content, ''), found.query,
                   'StartSel=' || chr(2) || ', StopSel=' || chr(3) || ', HighlightAll=true') AS marked
  FROM (SELECT stored.*, asked.query
          FROM (SELECT CASE WHEN CAST(:prefixes AS text) IS NULL THEN words.query
                            WHEN numnode(words.query) = 0 THEN to_tsquery(CAST(:language AS regconfig), :prefixes)
                            ELSE words.query && to_tsquery(CAST(:language AS regconfig), :prefixes) END AS query
                  FROM (SELECT websearch_to_tsquery(CAST(:language AS regconfig), :words) AS query) AS words) AS asked
          JOIN whatsapp_messages AS stored
            ON to_tsvector(CAST(:language AS regconfig), coalesce(stored.content, '')) @@ asked.query
         WHERE stored.timestamp >= :since AND stored.timestamp < :until
           AND (CAST(:keys AS text[]) IS NULL
                OR wa.customer_key(stored.direction, stored.from_phone, stored.to_phone, stored.customer_user_id)
                   = ANY (CAST(:keys AS text[])))
         ORDER BY CASE WHEN :ranked
                       THEN ts_rank(to_tsvector(CAST(:language AS regconfig), coalesce(stored.content, '')), asked.query) END
                  DESC, stored.timestamp DESC, stored.id DESC
         LIMIT :limit) AS found
 CROSS JOIN LATERAL (SELECT wa.person_key(wa.customer_key(found.direction, found.from_phone, found.to_phone,
                                                          found.customer_user_id)) AS customer) AS who
  LEFT JOIN wa.contacts AS alias ON alias.customer = who.customer AND alias.same_as IS NOT NULL
  LEFT JOIN wa.contacts AS contact ON contact.customer = coalesce(alias.same_as, who.customer)
  LEFT JOIN wa.employees AS employee ON employee.id = found.employee_id
