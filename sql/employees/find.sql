-- Employees with this id or name, or with a name that has a word beginning so.
SELECT id, name, team, left_at
  FROM wa.employees AS employee
 WHERE id::text = lower(:who) OR lower(name) = lower(:who)
    OR starts_with(lower(name), lower(:who)) OR strpos(lower(name), ' ' || lower(:who)) > 0
 ORDER BY id::text = lower(:who) DESC, lower(name) = lower(:who) DESC, name, id
 LIMIT 100
