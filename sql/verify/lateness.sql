-- The delay of the first status of the messages of the last day, in seconds after acceptance.
SELECT count(*) AS messages,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY late)::float8 AS p99,
       max(late)::float8 AS longest
  FROM (SELECT greatest(extract(epoch FROM status_at - accepted_at), 0) AS late
          FROM wa.outbox
         WHERE accepted_at > clock_timestamp() - interval '1 day' AND status_at IS NOT NULL AND NOT paced) AS message
