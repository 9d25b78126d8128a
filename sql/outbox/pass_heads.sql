-- Pass the head of line on: an uncertain message blocks its customer no longer than :wait, and a held one not at
-- all.
WITH tired AS MATERIALIZED (
    SELECT reference FROM wa.outbox
     WHERE turn AND (state = 'held' OR state = 'uncertain' AND uncertain_since < clock_timestamp() - :wait)
     ORDER BY reference LIMIT :limit
       FOR UPDATE SKIP LOCKED
)
UPDATE wa.outbox AS message SET turn = FALSE
  FROM tired WHERE message.reference = tired.reference
RETURNING message.number, message.customer
