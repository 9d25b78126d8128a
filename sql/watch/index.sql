-- Whether the index :index is there, whole, being built at this moment, and on :table or one of wa's own.
SELECT indexrelid::regclass::text AS name, indrelid::regclass::text AS table, indisvalid AS is_valid,
       pg_get_indexdef(indexrelid) AS definition,
       EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid) AS is_being_built,
       indrelid = to_regclass(:table) OR relnamespace = to_regnamespace('wa') AS is_ours
  FROM pg_index
  JOIN pg_class ON pg_class.oid = indrelid
 WHERE indexrelid = to_regclass(:index)
