-- Put messages on a queue, in their order, and notify its receivers.
WITH letter AS (
    INSERT INTO wa.queue_messages (queue, id, customer, body)
    SELECT :queue, letter.id, letter.customer, letter.body
      FROM ROWS FROM (json_to_recordset(CAST(:rows AS json)) AS (id text, customer text, body text))
           WITH ORDINALITY AS letter (id, customer, body, place)
     ORDER BY place
    RETURNING 1
)
SELECT pg_notify('wa_queue', :queue) FROM letter LIMIT 1
