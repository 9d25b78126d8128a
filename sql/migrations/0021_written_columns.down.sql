-- why: The columns stay, because dropping them would lose what no other place knows; nothing else was made here.
-- transaction: yes
-- step: keep the columns
-- lock: none on the business's table

SELECT 1;
