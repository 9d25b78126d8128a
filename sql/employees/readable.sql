-- Can the employees be read?
SELECT id, name, team, left_at FROM wa.employees AS employee LIMIT 0
