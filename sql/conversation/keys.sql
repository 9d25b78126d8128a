-- Every key under which rows of this person may be stored.
SELECT key FROM wa.keys(:person) AS known (key)
