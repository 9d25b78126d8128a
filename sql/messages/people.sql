-- These keys and every other key of the same persons, with their profiles. Locked, in key order.
WITH person AS MATERIALIZED (
    SELECT coalesce(same_as, customer) AS key FROM wa.contacts WHERE customer = ANY(:customers)
), related AS MATERIALIZED (
    SELECT unnest(CAST(:customers AS text[])) AS customer
    UNION
    SELECT key FROM person
    UNION
    SELECT known.customer FROM person JOIN wa.contacts AS known ON known.same_as = person.key
)
SELECT contact.customer, contact.same_as, contact.name, contact.username, contact.user_id, contact.name_at,
       contact.changed_at
  FROM related
  JOIN wa.contacts AS contact ON contact.customer = related.customer
 ORDER BY contact.customer
   FOR UPDATE OF contact
