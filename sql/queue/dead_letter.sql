-- Turn a message of this table into a dead letter in place. One of another transport gets a row.
INSERT INTO wa.queue_messages AS message (queue, id, customer, body, state, reason, died_at)
SELECT DISTINCT ON (letter.id) :queue, letter.id, letter.customer, letter.body, 'dead', letter.reason, clock_timestamp()
  FROM json_to_recordset(CAST(:rows AS json)) AS letter (id text, customer text, body text, reason text)
 ORDER BY letter.id
ON CONFLICT (queue, id) DO UPDATE
   SET state = 'dead', token = NULL, reason = excluded.reason, died_at = excluded.died_at
