-- True if the index :index exists, is complete, is being built now, and is on :table or on a table of wa.
SELECT indexrelid::regclass::text AS name, indrelid::regclass::text AS table, indisvalid AS is_valid,
       pg_get_indexdef(indexrelid) AS definition,
       EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid) AS is_being_built,
       indrelid = to_regclass(:table) OR relnamespace = to_regnamespace('wa') AS is_ours
  FROM pg_index
  JOIN pg_class ON pg_class.oid = indrelid
 WHERE indexrelid = to_regclass(:index)
