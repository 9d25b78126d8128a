-- Whoever holds the turn of these customers: nobody hands it over while we look who is next.
SELECT reference
  FROM wa.outbox
 WHERE number = :number AND customer = ANY(:customers) AND turn
 ORDER BY reference
   FOR UPDATE
