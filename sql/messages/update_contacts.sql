-- Write the people that the transaction has locked.
UPDATE wa.contacts AS known
   SET same_as = said.same_as, name = said.name, username = said.username, user_id = said.user_id, name_at = said.name_at,
       changed_at = said.changed_at, updated_at = clock_timestamp()
  FROM json_to_recordset(CAST(:rows AS json)) AS said (
           customer text, same_as text, name text, username text, user_id text, name_at timestamptz, changed_at timestamptz)
 WHERE known.customer = said.customer
