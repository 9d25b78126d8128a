-- Insert employees, or update those with a known id.
INSERT INTO wa.employees (id, name, team, left_at)
SELECT id, name, team, left_at
  FROM json_to_recordset(CAST(:rows AS json)) AS row (id uuid, name text, team text, left_at timestamptz)
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, team = excluded.team, left_at = excluded.left_at
