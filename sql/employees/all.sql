-- Every employee, also those who left.
SELECT id, name, team, left_at FROM wa.employees ORDER BY name, id
