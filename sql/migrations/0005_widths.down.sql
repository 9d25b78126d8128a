-- why: A wider column hurts nobody, and narrowing one would refuse the values it holds by now: it stays.
-- transaction: yes

SELECT 1;
