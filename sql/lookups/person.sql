-- The key of the person with this key.
SELECT coalesce((SELECT same_as FROM wa.contacts WHERE customer = wa.person_key(:customer)), wa.person_key(:customer))
