INSERT INTO wa.notices (id, account, field, number, happened_at, raw)
SELECT DISTINCT ON (id) id, account, field, number, happened_at, raw
  FROM json_to_recordset(CAST(:rows AS json)) AS notice (
           id text, account text, field text, number text, happened_at timestamptz, raw json)
 ORDER BY id
ON CONFLICT (id) DO NOTHING
RETURNING id
