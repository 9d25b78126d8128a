-- Employees with this name or id.
SELECT id FROM wa.employees WHERE lower(name) = lower(:who) OR id::text = lower(:who)
