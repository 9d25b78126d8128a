INSERT INTO wa.contacts (customer)
SELECT DISTINCT customer FROM unnest(CAST(:customers AS text[])) AS customer ORDER BY customer
ON CONFLICT (customer) DO NOTHING
