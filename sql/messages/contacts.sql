-- What a webhook or an answer of the API says of people: names and user ids.
INSERT INTO wa.contacts AS known (customer, name, user_id)
SELECT DISTINCT ON (customer) customer, name, user_id
  FROM json_to_recordset(CAST(:rows AS json)) AS contact (customer text, name text, user_id text)
 ORDER BY customer
ON CONFLICT (customer) DO UPDATE
   SET name = coalesce(excluded.name, known.name), user_id = coalesce(excluded.user_id, known.user_id),
       updated_at = clock_timestamp()
 WHERE (known.name, known.user_id) IS DISTINCT FROM
       (coalesce(excluded.name, known.name), coalesce(excluded.user_id, known.user_id))
