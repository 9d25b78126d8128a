-- The size of whatsapp_messages, of each of its indexes with the number of its uses since the statistics were reset, and
-- of the tables of wa with their indexes.
SELECT table_class.reltuples::bigint AS rows, pg_table_size(table_class.oid) AS table_bytes,
       index_class.relname AS name, pg_relation_size(index_class.oid) AS index_bytes, coalesce(used.idx_scan, 0) AS scans,
       (SELECT coalesce(sum(pg_total_relation_size(own.oid)), 0)::bigint
          FROM pg_class AS own WHERE own.relnamespace = to_regnamespace('wa') AND own.relkind = 'r') AS own_bytes
  FROM pg_class AS table_class
  LEFT JOIN pg_index AS found ON found.indrelid = table_class.oid
  LEFT JOIN pg_class AS index_class ON index_class.oid = found.indexrelid
  LEFT JOIN pg_stat_all_indexes AS used ON used.indexrelid = found.indexrelid
 WHERE table_class.oid = to_regclass('whatsapp_messages')
 ORDER BY index_bytes DESC NULLS LAST, name
