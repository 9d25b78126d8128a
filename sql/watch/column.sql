-- True if the table has that column.
SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass(:table) AND attname = :column AND NOT attisdropped)
