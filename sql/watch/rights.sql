-- Rights that this user lacks for a migration, and the statements that grant them. The table is the one in the
-- search_path, or one in a schema that the user may not use.
WITH business AS (
    SELECT pg_class.oid, relowner, relnamespace, nspname
      FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE pg_class.oid = to_regclass('whatsapp_messages')
        OR to_regclass('whatsapp_messages') IS NULL AND relname = 'whatsapp_messages' AND relkind IN ('r', 'p')
           AND NOT has_schema_privilege(relnamespace, 'USAGE')
), place AS (
    SELECT nspname, relnamespace AS oid FROM business
    UNION
    SELECT nspname, oid FROM pg_namespace WHERE nspname = current_schema() AND NOT EXISTS (SELECT FROM business)
), own AS (
    SELECT oid::regclass::text AS name, relowner AS owner, 'TABLE' AS kind FROM pg_class
     WHERE relnamespace = to_regnamespace('wa') AND relkind = 'r'
    UNION ALL
    SELECT oid::regprocedure::text, proowner, 'FUNCTION' FROM pg_proc WHERE pronamespace = to_regnamespace('wa')
)
SELECT 1 AS place, 'create schemas in the database ' || current_database() AS lacking,
       format('GRANT CREATE ON DATABASE %I TO %I;', current_database(), current_user) AS given
 WHERE to_regnamespace('wa') IS NULL AND NOT has_database_privilege(current_database(), 'CREATE')
UNION ALL
SELECT 2, 'create tables and indexes in the schema ' || nspname,
       format('GRANT USAGE, CREATE ON SCHEMA %I TO %I;', nspname, current_user)
  FROM place
 WHERE NOT (has_schema_privilege(oid, 'USAGE') AND has_schema_privilege(oid, 'CREATE'))
UNION ALL
SELECT 3, 'create tables in the schema wa', format('GRANT USAGE, CREATE ON SCHEMA wa TO %I;', current_user)
 WHERE NOT (has_schema_privilege(to_regnamespace('wa'), 'USAGE') AND has_schema_privilege(to_regnamespace('wa'), 'CREATE'))
UNION ALL
SELECT 4, format('change %I.whatsapp_messages, which belongs to %s', nspname, pg_get_userbyid(relowner)),
       format('ALTER TABLE %I.whatsapp_messages OWNER TO %I;', nspname, current_user)
  FROM business
 WHERE NOT pg_has_role(relowner, 'USAGE')
UNION ALL
SELECT 5, format('change %s, which belongs to %s', name, pg_get_userbyid(owner)),
       format('ALTER %s %s OWNER TO %I;', kind, name, current_user)
  FROM own
 WHERE NOT pg_has_role(owner, 'USAGE')
 ORDER BY 1, 2
