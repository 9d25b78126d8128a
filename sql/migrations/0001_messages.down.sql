-- why: The table is the business's own and may be older than wa: going down never drops it.
-- transaction: yes
-- step: leave the table
-- lock: none on the business's table

SELECT 1;
