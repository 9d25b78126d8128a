-- The key under which the person with this key is known.
SELECT coalesce((SELECT same_as FROM wa.contacts WHERE customer = wa.person_key(:customer)), wa.person_key(:customer))
