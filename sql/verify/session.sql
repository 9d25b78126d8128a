-- These settings in this session, and whether it may write.
SELECT name, current_setting(name) AS setting FROM unnest(CAST(:names AS text[])) AS name
