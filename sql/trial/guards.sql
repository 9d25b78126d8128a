-- Triggers, rules and policies of the business's table that may refuse, change or hide a row. `filters` is true if a
-- policy reads a column.
SELECT 'trigger' AS kind, tgname::text AS name, tgfoid::regproc::text AS function, tgtype & 2 > 0 AS is_before,
       tgtype & 4 > 0 AS on_insert, tgtype & 16 > 0 AS on_update, tgtype & 8 > 0 AS on_delete, FALSE AS filters,
       NULL AS condition
  FROM pg_trigger
 WHERE tgrelid = to_regclass('whatsapp_messages') AND NOT tgisinternal AND tgenabled <> 'D'
UNION ALL
SELECT 'rule', rulename::text, NULL, TRUE, ev_type = '3', ev_type = '2', ev_type = '4', FALSE, NULL
  FROM pg_rewrite
 WHERE ev_class = to_regclass('whatsapp_messages') AND ev_type <> '1' AND ev_enabled <> 'D'
UNION ALL
SELECT 'policy', polname::text, NULL, TRUE, polcmd IN ('a', '*'), polcmd IN ('w', '*'), polcmd IN ('d', '*'),
       polcmd <> 'a' AND EXISTS (SELECT FROM pg_depend
                                  WHERE classid = 'pg_policy'::regclass AND objid = pg_policy.oid
                                    AND refobjid = polrelid AND refobjsubid > 0),
       pg_get_expr(polqual, polrelid)
  FROM pg_policy
 WHERE polrelid = to_regclass('whatsapp_messages') AND row_security_active(polrelid)
   AND (polroles = '{0}' OR EXISTS (SELECT FROM unnest(polroles) AS role WHERE pg_has_role(role, 'USAGE')))
 ORDER BY kind DESC, name
