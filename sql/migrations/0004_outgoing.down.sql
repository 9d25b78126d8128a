-- why: The columns stay, since only they have their values. Nothing else was made here.
-- transaction: yes
-- step: leave the columns
-- lock: none on the business's table

SELECT 1;
