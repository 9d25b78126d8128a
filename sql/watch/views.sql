-- Views that use this column of the business's table.
SELECT DISTINCT view.oid::regclass::text
  FROM pg_depend AS dependency
  JOIN pg_rewrite AS rule ON rule.oid = dependency.objid AND dependency.classid = 'pg_rewrite'::regclass
  JOIN pg_class AS view ON view.oid = rule.ev_class
  JOIN pg_attribute AS used ON used.attrelid = dependency.refobjid AND used.attnum = dependency.refobjsubid
 WHERE dependency.refobjid = to_regclass('whatsapp_messages') AND used.attname = :column
