-- The next :limit rows after the id :after without a direction, or that count as incoming although they are from
-- :business or have our reference. No lock is held during the search.
SELECT id
  FROM whatsapp_messages
 WHERE id > CAST(:after AS uuid)
   AND (direction IS NULL OR direction = 'incoming' AND (ltrim(from_phone, '+') = :business OR reference IS NOT NULL))
 ORDER BY id
 LIMIT :limit
