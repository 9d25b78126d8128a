-- Employees of this name, or with this id.
SELECT id FROM wa.employees WHERE lower(name) = lower(:who) OR id::text = lower(:who)
