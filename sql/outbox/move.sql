-- Move messages that are not being sent to another business number. None of them stays head of line, since a
-- customer of the other number may have one. A status of the former number still proves that a message was sent.
WITH movable AS MATERIALIZED (
    SELECT reference FROM wa.outbox
     WHERE number = :from AND state IN ('queued', 'held')
     ORDER BY reference
       FOR UPDATE
)
UPDATE wa.outbox AS message
   SET number = :to, former_numbers = array_append(former_numbers, :from), turn = scheduled
  FROM movable
 WHERE message.reference = movable.reference
RETURNING message.customer
