-- The indexes of `wa search` in a language with stemming, valid ones first: name, language, and whether it can be used.
SELECT index.relname AS name, index.indisvalid AS is_valid, index.definition,
       substring(index.definition FROM 'to_tsvector\(''([^'']+)''') AS language
  FROM (SELECT class.relname, found.indisvalid, pg_get_indexdef(found.indexrelid) AS definition
          FROM pg_index AS found
          JOIN pg_class AS class ON class.oid = found.indexrelid
         WHERE found.indrelid = to_regclass('whatsapp_messages')
           AND class.relname LIKE 'idx\_messages\_search\_%') AS index
 WHERE index.relname = 'idx_messages_search_' || substring(index.definition FROM 'to_tsvector\(''([^'']+)''')
 ORDER BY index.indisvalid DESC, index.relname
