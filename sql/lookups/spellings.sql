-- Every key of these people, beside the key of the person.
SELECT person.key AS person, known.key
  FROM unnest(CAST(:people AS text[])) AS person (key)
 CROSS JOIN LATERAL wa.keys(person.key) AS known (key)
