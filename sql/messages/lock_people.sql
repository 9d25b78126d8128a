-- These and everybody who is the same person, in key order.
SELECT customer FROM wa.contacts
 WHERE customer = ANY(:customers)
    OR same_as IN (SELECT coalesce(same_as, customer) FROM wa.contacts WHERE customer = ANY(:customers))
 ORDER BY customer
   FOR UPDATE
