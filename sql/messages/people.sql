-- Under which key each of these is known.
SELECT customer, coalesce(same_as, customer) AS person FROM wa.contacts WHERE customer = ANY(:customers)
