-- Set the direction of these rows. A row in use is skipped. `received`, the table's default status, is not a status
-- of an outgoing message.
WITH batch AS (
    SELECT id, ltrim(from_phone, '+') = :business OR reference IS NOT NULL AS ours
      FROM whatsapp_messages
     WHERE id = ANY (CAST(:ids AS uuid[]))
       AND (direction IS NULL OR direction = 'incoming' AND (ltrim(from_phone, '+') = :business OR reference IS NOT NULL))
     ORDER BY id
       FOR UPDATE SKIP LOCKED
)
UPDATE whatsapp_messages AS message
   SET direction = CASE WHEN batch.ours THEN 'outgoing' ELSE 'incoming' END,
       status = CASE WHEN batch.ours AND message.status = 'received' THEN 'sent' ELSE message.status END
  FROM batch
 WHERE message.id = batch.id
RETURNING message.id
