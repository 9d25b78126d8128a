-- Whether there is a table, or an index, of this name.
SELECT to_regclass(:table) IS NOT NULL
