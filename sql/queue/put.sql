-- Put messages on a queue, in their order.
INSERT INTO wa.queue_messages (queue, id, customer, body)
SELECT :queue, message.id, message.customer, message.body
  FROM ROWS FROM (json_to_recordset(CAST(:rows AS json)) AS (id text, customer text, body text))
       WITH ORDINALITY AS message (id, customer, body, place)
 ORDER BY place
