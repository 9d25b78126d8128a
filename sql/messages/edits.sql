-- Store edits and revocations: the newest text and the first revocation, in any order of arrival.
INSERT INTO wa.message_edits AS known (message_id, content, edited_at, revoked_at)
SELECT message_id,
       (array_agg(content ORDER BY at DESC) FILTER (WHERE NOT is_revoked))[1],
       max(at) FILTER (WHERE NOT is_revoked),
       min(at) FILTER (WHERE is_revoked)
  FROM json_to_recordset(CAST(:rows AS json)) AS edit (message_id text, content text, at timestamptz, is_revoked boolean)
 GROUP BY message_id
 ORDER BY message_id
ON CONFLICT (message_id) DO UPDATE
   SET content    = CASE WHEN excluded.edited_at >= coalesce(known.edited_at, '-infinity') THEN excluded.content
                         ELSE known.content END,
       edited_at  = greatest(known.edited_at, excluded.edited_at),
       revoked_at = least(known.revoked_at, excluded.revoked_at)
