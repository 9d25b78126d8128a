-- How many rows there are, and how many of them are outgoing: counted up to a million, estimated beyond.
SELECT is_estimate,
       CASE WHEN is_estimate THEN estimate ELSE (SELECT count(*) FROM whatsapp_messages) END AS total,
       CASE WHEN is_estimate THEN (
           SELECT coalesce(sum(estimate * share), 0)::bigint
             FROM pg_stats, unnest(most_common_vals::text::text[], most_common_freqs) AS common (value, share)
            WHERE tablename = 'whatsapp_messages' AND attname = 'direction' AND value = 'outgoing')
       ELSE (SELECT count(*) FROM whatsapp_messages WHERE direction = 'outgoing') END AS outgoing,
       EXISTS (SELECT FROM whatsapp_messages WHERE direction = 'outgoing') AS has_outgoing
  FROM (SELECT reltuples::bigint AS estimate, reltuples > 1000000 AS is_estimate
          FROM pg_class WHERE oid = to_regclass('whatsapp_messages')) AS known
