-- What a webhook or an answer of the API says of people: names, user ids, and numbers that are one person's.
INSERT INTO wa.contacts AS known (customer, same_as, name, user_id)
SELECT DISTINCT ON (customer) customer, same_as, name, user_id
  FROM json_to_recordset(CAST(:rows AS json)) AS contact (customer text, same_as text, name text, user_id text)
 ORDER BY customer
ON CONFLICT (customer) DO UPDATE
   SET same_as = coalesce(excluded.same_as, known.same_as), name = coalesce(excluded.name, known.name),
       user_id = coalesce(excluded.user_id, known.user_id), updated_at = clock_timestamp()
 WHERE (known.same_as, known.name, known.user_id) IS DISTINCT FROM
       (coalesce(excluded.same_as, known.same_as), coalesce(excluded.name, known.name),
        coalesce(excluded.user_id, known.user_id))
