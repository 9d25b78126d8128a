-- The indexes of `wa search` in a language with stemming, valid ones first: name, language, and whether it can be used.
SELECT name, is_valid, definition, language
  FROM (SELECT class.relname AS name, found.indisvalid AS is_valid, pg_get_indexdef(found.indexrelid) AS definition,
               substring(pg_get_indexdef(found.indexrelid) FROM 'to_tsvector\(''([^'']+)''') AS language
          FROM pg_index AS found
          JOIN pg_class AS class ON class.oid = found.indexrelid
         WHERE found.indrelid = to_regclass('whatsapp_messages')
           AND class.relname LIKE 'idx\_messages\_search\_%') AS index
 WHERE name = 'idx_messages_search_' || language
 ORDER BY is_valid DESC, name
