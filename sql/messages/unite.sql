-- Whoever was known by the old key is known by the new one, which takes over the name where it has none of its own. A key
-- without a new one is a person of its own again.
WITH moved AS MATERIALIZED (
    SELECT old, new FROM json_to_recordset(CAST(:rows AS json)) AS moved (old text, new text)
), named AS (
    UPDATE wa.contacts AS known
       SET name = coalesce(known.name, given.name), updated_at = clock_timestamp()
      FROM (SELECT moved.new, max(contact.name) AS name
              FROM moved JOIN wa.contacts AS contact ON contact.customer = moved.old
             WHERE moved.new <> moved.old
             GROUP BY moved.new) AS given
     WHERE known.customer = given.new AND known.name IS NULL AND given.name IS NOT NULL
       AND NOT EXISTS (SELECT FROM moved WHERE moved.old = known.customer)
)
UPDATE wa.contacts AS known
   SET same_as = nullif(moved.new, known.customer), updated_at = clock_timestamp()
  FROM moved
 WHERE known.customer = moved.old
