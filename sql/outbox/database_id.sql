-- The id of this database, whatever its address.
SELECT id::text FROM wa.database_id
