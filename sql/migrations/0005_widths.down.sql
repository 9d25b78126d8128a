-- why: The columns stay wide: narrowing one would refuse the values that it has by now.
-- transaction: yes
-- step: keep the widths
-- lock: none on the business's table

SELECT 1;
