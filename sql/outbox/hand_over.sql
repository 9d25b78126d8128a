-- Make the next message of each customer the head of line, unless the customer has one. A hand-over that misses a
-- concurrent change is repaired by a sweep, while a finished head of line would block its customer.
UPDATE wa.outbox AS message
   SET turn = TRUE
  FROM (SELECT next.reference
          FROM unnest(CAST(:customers AS text[])) AS waiting (customer)
         CROSS JOIN LATERAL (
               SELECT reference FROM wa.outbox AS later
                WHERE later.number = :number AND later.customer = waiting.customer
                  AND later.state = 'queued' AND NOT later.turn
                ORDER BY later.seq LIMIT 1) AS next
         WHERE NOT EXISTS (SELECT FROM wa.outbox AS holder
                            WHERE holder.number = :number AND holder.customer = waiting.customer
                              AND holder.turn AND NOT holder.scheduled)) AS next
 WHERE message.reference = next.reference AND message.state = 'queued' AND NOT message.turn
