-- Whoever was known by the old key is known by the new one, which takes over the name where it has none of its own.
WITH moved AS MATERIALIZED (
    SELECT old, new FROM json_to_recordset(CAST(:rows AS json)) AS moved (old text, new text)
), named AS (
    UPDATE wa.contacts AS known
       SET name = coalesce(known.name, given.name), updated_at = clock_timestamp()
      FROM (SELECT moved.new, max(contact.name) AS name
              FROM moved JOIN wa.contacts AS contact ON contact.customer = moved.old
             GROUP BY moved.new) AS given
     WHERE known.customer = given.new AND known.name IS NULL AND given.name IS NOT NULL
)
UPDATE wa.contacts AS known
   SET same_as = moved.new, updated_at = clock_timestamp()
  FROM moved
 WHERE known.customer = moved.old OR known.same_as = moved.old
