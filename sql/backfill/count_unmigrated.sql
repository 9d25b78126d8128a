-- The same for a table without the column direction.
SELECT 0 AS without_direction, count(*) AS ours, count(*) FILTER (WHERE to_phone IS NULL) AS without_recipient,
       min(timestamp)::timestamp AS oldest, max(timestamp)::timestamp AS newest
  FROM whatsapp_messages
 WHERE ltrim(from_phone, '+') = :business
