-- What this user lacks of what the workers need.
SELECT current_user AS username,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
       array_agg(privilege || ' on ' || name ORDER BY name, privilege)
           FILTER (WHERE NOT has_table_privilege(oid, privilege)) AS missing
  FROM (SELECT oid, oid::regclass::text AS name, privilege
          FROM pg_class, unnest(CASE WHEN relname = 'whatsapp_messages' THEN ARRAY['SELECT', 'INSERT', 'UPDATE']
                                     ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END) AS privilege
         WHERE oid = to_regclass('whatsapp_messages')
            OR (relnamespace = to_regnamespace('wa') AND relkind = 'r' AND relname <> 'migrations')) AS needed
