SELECT coalesce(direction, 'of no direction') AS direction, coalesce(status::text, 'without a status') AS status, count(*) AS count
  FROM whatsapp_messages
 WHERE timestamp >= :since
 GROUP BY 1, 2
 ORDER BY 1, 3 DESC
