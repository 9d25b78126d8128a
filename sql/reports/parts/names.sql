-- Employees by name; two of one name each with their id.
named AS NOT MATERIALIZED (
    SELECT id, CASE WHEN count(*) OVER (PARTITION BY name) > 1 THEN name || ' (' || id || ')' ELSE name END AS name
      FROM wa.employees
)
