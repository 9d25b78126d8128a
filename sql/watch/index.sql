-- Whether the index :index is there, whole, and being built at this moment.
SELECT indexrelid::regclass::text AS name, indisvalid AS is_valid,
       EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid) AS is_being_built
  FROM pg_index
 WHERE indexrelid = to_regclass(:index)
