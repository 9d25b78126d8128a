-- The state of these indexes, NULL if one is missing.
SELECT name, found.indisvalid AS is_valid, pg_get_indexdef(found.indexrelid) AS definition
  FROM unnest(CAST(:names AS text[])) AS name
  LEFT JOIN pg_index AS found ON found.indexrelid = to_regclass(name)
