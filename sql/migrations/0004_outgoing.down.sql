-- why: The columns stay, because dropping them would lose what no other place knows; nothing else was made here.
-- transaction: yes

SELECT 1;
