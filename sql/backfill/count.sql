-- Count rows without a direction, and rows that count as incoming although they are from the business's own number
-- :business or have our reference.
SELECT count(*) FILTER (WHERE direction IS NULL AND ours IS NOT TRUE) AS without_direction,
       count(*) FILTER (WHERE ours AND direction IS DISTINCT FROM 'outgoing') AS ours,
       count(*) FILTER (WHERE ours AND direction IS DISTINCT FROM 'outgoing' AND to_phone IS NULL) AS without_recipient,
       min(timestamp::timestamp) FILTER (WHERE ours AND direction IS DISTINCT FROM 'outgoing') AS oldest,
       max(timestamp::timestamp) FILTER (WHERE ours AND direction IS DISTINCT FROM 'outgoing') AS newest
  FROM (SELECT *, ltrim(from_phone, '+') = :business OR reference IS NOT NULL AS ours FROM whatsapp_messages) AS message
