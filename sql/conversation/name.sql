-- The profile name of the person with this key.
SELECT concat_ws(' ', name, '@' || username) FROM wa.contacts
 WHERE customer = coalesce((SELECT same_as FROM wa.contacts WHERE customer = wa.person_key(:customer)),
                           wa.person_key(:customer))
