-- Every key under which rows of this person may stand.
SELECT key FROM wa.keys(:person) AS known (key)
