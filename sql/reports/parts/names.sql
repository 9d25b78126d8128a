-- Employees by name, with the id if two have the same name.
named AS NOT MATERIALIZED (
    SELECT id, CASE WHEN count(*) OVER (PARTITION BY name) > 1 THEN name || ' (' || id || ')' ELSE name END AS name, team
      FROM wa.employees AS employee
)
