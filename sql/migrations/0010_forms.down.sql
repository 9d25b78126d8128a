-- why: A person's keys as in 0009, which are the same.
-- transaction: yes
-- step: define a person's keys as before
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

CREATE OR REPLACE FUNCTION wa.person_key(key text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN left(key, 2) NOT IN ('55', '52', '54') THEN key
        WHEN key ~ '^55[1-9][1-9][6-9][0-9]{7}$' THEN left(key, 4) || '9' || substr(key, 5)
        WHEN key ~ '^521[0-9]{10}$' THEN '52' || substr(key, 4)
        WHEN key ~ '^54[1-3][0-9]{9}$' THEN '549' || substr(key, 3)
        ELSE key
    END
$$;

CREATE OR REPLACE FUNCTION wa.forms(key text)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN known ~ '^55[1-9][1-9]9[6-9][0-9]{7}$' THEN ARRAY[known, left(known, 4) || substr(known, 6)]
        WHEN known ~ '^52[0-9]{10}$' THEN ARRAY[known, '521' || substr(known, 3)]
        WHEN known ~ '^549[1-3][0-9]{9}$' THEN ARRAY[known, '54' || substr(known, 4)]
        ELSE ARRAY[known]
    END
      FROM (SELECT wa.person_key(key) AS known) AS person
$$;
