INSERT INTO wa.status_events (wamid, status, happened_at, participant, number, recipient, reference, attempt, code, reason,
                              raw)
SELECT DISTINCT ON (wamid, status, happened_at, participant)
       wamid, status, happened_at, participant, number, recipient, reference, attempt, code, reason, raw
  FROM json_to_recordset(CAST(:rows AS json)) AS event (
           wamid text, status text, happened_at timestamptz, participant text, number text, recipient text,
           reference uuid, attempt int, code int, reason text, raw json)
 ORDER BY wamid, status, happened_at, participant
ON CONFLICT (wamid, status, happened_at, participant) DO NOTHING
RETURNING wamid
