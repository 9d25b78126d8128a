-- why: The release before searches with this index too, and would refuse rows with the one that it built.
-- transaction: yes
-- step: keep the index
-- lock: none on the business's table

SELECT 1;
