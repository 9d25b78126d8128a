-- why: The release before uses this index too, and its own index would refuse rows.
-- transaction: yes
-- step: keep the index
-- lock: none on the business's table

SELECT 1;
