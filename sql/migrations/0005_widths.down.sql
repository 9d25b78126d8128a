-- why: A wider column hurts nobody, and narrowing one would refuse the values it holds by now: it stays.
-- transaction: yes
-- step: leave the widths
-- lock: none on the business's table

SELECT 1;
