-- The number of rows and of outgoing ones, counted up to a million and estimated beyond.
SELECT is_estimate,
       CASE WHEN is_estimate THEN estimate ELSE (SELECT count(*) FROM whatsapp_messages) END AS total,
       CASE WHEN is_estimate THEN (
           SELECT coalesce(sum(estimate * share), 0)::bigint
             FROM pg_stats, unnest(most_common_vals::text::text[], most_common_freqs) AS common (value, share)
            WHERE tablename = 'whatsapp_messages' AND attname = 'direction' AND value = 'outgoing')
       ELSE (SELECT count(*) FROM whatsapp_messages WHERE direction = 'outgoing') END AS outgoing,
       EXISTS (SELECT FROM whatsapp_messages WHERE direction = 'outgoing') AS has_outgoing
  FROM (SELECT CASE WHEN reltuples >= 0 THEN reltuples::bigint ELSE 20 * pages END AS estimate,
               reltuples > 1000000 OR reltuples < 0 AND pages > 50000 AS is_estimate
          FROM (SELECT reltuples, pg_relation_size(oid) / 8192 AS pages
                  FROM pg_class WHERE oid = to_regclass('whatsapp_messages')) AS measured) AS known
