-- These indexes, as they are: NULL where one is missing.
SELECT name, found.indisvalid AS is_valid
  FROM unnest(CAST(:names AS text[])) AS name
  LEFT JOIN pg_index AS found ON found.indexrelid = to_regclass(name)
