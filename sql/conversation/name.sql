-- What the person with this key calls themselves.
SELECT name FROM wa.contacts
 WHERE customer = coalesce((SELECT same_as FROM wa.contacts WHERE customer = wa.person_key(:customer)),
                           wa.person_key(:customer))
