-- Customers with waiting messages and no head of line, after a hand-over that missed a concurrent intake. It walks
-- the index from customer to customer, so that a million messages of one customer cost one step.
WITH RECURSIVE walk AS (
    (SELECT number, customer FROM wa.outbox
      WHERE state = 'queued' AND NOT turn AND (number, customer) > (:number, :after)
      ORDER BY number, customer LIMIT 1)
    UNION ALL
    SELECT next.number, next.customer
      FROM walk, LATERAL (SELECT number, customer FROM wa.outbox
                           WHERE state = 'queued' AND NOT turn AND (number, customer) > (walk.number, walk.customer)
                           ORDER BY number, customer LIMIT 1) AS next
), visited AS (
    SELECT number, customer FROM walk WHERE number = :number LIMIT :limit
)
SELECT customer,
       NOT EXISTS (SELECT FROM wa.outbox AS holder
                    WHERE holder.number = visited.number AND holder.customer = visited.customer
                      AND holder.turn AND NOT holder.scheduled) AS stranded
  FROM visited
 ORDER BY customer
