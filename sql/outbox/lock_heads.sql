-- Lock the heads of line of these customers, so that they do not change while the next one is chosen.
SELECT reference
  FROM wa.outbox
 WHERE number = :number AND customer = ANY(:customers) AND turn
 ORDER BY reference
   FOR UPDATE
