-- Of these keys and of every key of the same persons: whose each is, and the user id that is known of it.
WITH asked AS MATERIALIZED (
    SELECT coalesce(same_as, customer) AS person FROM wa.contacts WHERE customer = ANY(:customers)
)
SELECT customer, same_as, user_id FROM wa.contacts WHERE customer = ANY(:customers)
UNION
SELECT customer, same_as, user_id FROM wa.contacts WHERE customer IN (SELECT person FROM asked)
UNION
SELECT customer, same_as, user_id FROM wa.contacts WHERE same_as IN (SELECT person FROM asked)
