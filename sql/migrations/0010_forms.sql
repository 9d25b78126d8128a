-- why: Reports need the person of each of their rows, and the keys of each person, in a form that PostgreSQL writes
-- into their statements. That costs a tenth, and a check of the first two digits ends it early for most numbers.
-- transaction: yes
-- step: define a person's keys as expressions
-- lock: none on the business's table
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

-- The one key of a person whose number has two variants at WhatsApp: Brazil's mobiles with and without their ninth
-- digit, Mexico's with and without 1, Argentina's with and without 9. Any other key as it is.
CREATE OR REPLACE FUNCTION wa.person_key(key text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN key COLLATE "C" < '52' OR key COLLATE "C" >= '56' THEN key
        WHEN key ~ '^55[1-9][1-9][6-9][0-9]{7}$' THEN left(key, 4) || '9' || substr(key, 5)
        WHEN key ~ '^521[0-9]{10}$' THEN '52' || substr(key, 4)
        WHEN key ~ '^54[1-3][0-9]{9}$' THEN '549' || substr(key, 3)
        ELSE key
    END
$$;

-- Every key under which rows of the person with this key may stand.
CREATE OR REPLACE FUNCTION wa.forms(key text)
RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN key COLLATE "C" < '52' OR key COLLATE "C" >= '56' THEN ARRAY[key]
        WHEN key ~ '^55[1-9][1-9]9[6-9][0-9]{7}$' THEN ARRAY[key, left(key, 4) || substr(key, 6)]
        WHEN key ~ '^52[0-9]{10}$' THEN ARRAY[key, '521' || substr(key, 3)]
        WHEN key ~ '^549[1-3][0-9]{9}$' THEN ARRAY[key, '54' || substr(key, 4)]
        ELSE ARRAY[key]
    END
$$;
