-- Record accepted attempts whose row could not be stored at once. An attempt that is recorded was settled before.
INSERT INTO wa.storage_failures (reference, attempt, wamid, answered_at, reason)
SELECT DISTINCT ON (reference, attempt) reference, attempt, wamid, answered_at, :reason
  FROM json_to_recordset(CAST(:rows AS json)) AS made (reference uuid, attempt int, wamid text, answered_at timestamptz)
 WHERE NOT EXISTS (SELECT FROM wa.send_attempts AS known
                    WHERE known.reference = made.reference AND known.attempt = made.attempt AND known.wamid IS NOT NULL)
 ORDER BY reference, attempt
ON CONFLICT (reference, attempt) DO NOTHING
