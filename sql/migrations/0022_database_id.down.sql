-- why: The id stays, since the spools of other machines name it. Nothing else was made here.
-- transaction: yes
-- step: keep the id
-- lock: none on the business's table

SELECT 1;
