INSERT INTO wa.queue_messages (queue, id, customer, body)
SELECT :queue, letter.id, letter.customer, letter.body
  FROM ROWS FROM (json_to_recordset(CAST(:rows AS json)) AS (id text, customer text, body text))
       WITH ORDINALITY AS letter (id, customer, body, place)
 ORDER BY place
