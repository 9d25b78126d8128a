-- Messages of one business number that are not being sent, for another number from now. None of them keeps its place as the
-- head of line: the customers of the other number may have one.
UPDATE wa.outbox
   SET number = :to, turn = scheduled
 WHERE number = :from AND state IN ('queued', 'held')
RETURNING customer
