-- Move messages that are not being sent to another business number. None of them stays head of line, since a
-- customer of the other number may have one.
UPDATE wa.outbox
   SET number = :to, turn = scheduled
 WHERE number = :from AND state IN ('queued', 'held')
RETURNING customer
