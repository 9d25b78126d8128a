-- True if a table or an index of this name exists.
SELECT to_regclass(:table) IS NOT NULL
