-- Publications of the business's table.
SELECT pubname::text FROM pg_publication_tables
 WHERE format('%I.%I', schemaname, tablename)::regclass = to_regclass('whatsapp_messages')
 ORDER BY pubname
