-- why: The newer function answers as the older one did, except where that was wrong. Nothing else was made here.
-- transaction: yes
-- step: keep the function
-- lock: none

SELECT 1;
