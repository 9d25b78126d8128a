-- Rights that this user lacks for the workers, and the statements that grant them.
WITH needed AS (
    SELECT 'USAGE' AS privilege, 'schema ' || quote_ident(nspname) AS name, has_schema_privilege(oid, 'USAGE') AS is_there,
           format('GRANT USAGE ON SCHEMA %I TO %I;', nspname, current_user) AS given
      FROM pg_namespace
     WHERE nspname = 'wa' OR oid = (SELECT relnamespace FROM pg_class WHERE oid = to_regclass('whatsapp_messages'))
    UNION ALL
    SELECT privilege, oid::regclass::text, has_table_privilege(oid, privilege),
           CASE WHEN relnamespace = to_regnamespace('wa')
                THEN format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA wa TO %I;', current_user)
                ELSE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I;', oid::regclass, current_user) END
      FROM pg_class, unnest(CASE WHEN relname = 'migrations' THEN ARRAY['SELECT']
                                 ELSE ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE'] END) AS privilege
     WHERE oid = to_regclass('whatsapp_messages') OR (relnamespace = to_regnamespace('wa') AND relkind = 'r')
)
SELECT current_user AS username,
       (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
       array_agg(privilege || ' on ' || name ORDER BY name, privilege) FILTER (WHERE NOT is_there) AS missing,
       string_agg(DISTINCT given, ' ') FILTER (WHERE NOT is_there) AS given
  FROM needed
