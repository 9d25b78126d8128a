-- An event without a time of its own has that of its delivery, so it is known by the rest of its key.
INSERT INTO wa.status_events (wamid, status, happened_at, participant, number, recipient, reference, attempt, code, reason,
                              raw)
SELECT DISTINCT ON (wamid, status, CASE WHEN has_time THEN happened_at END, participant)
       wamid, status, happened_at, participant, number, recipient, reference, attempt, code, reason, raw
  FROM json_to_recordset(CAST(:rows AS json)) AS event (
           wamid text, status text, happened_at timestamptz, has_time boolean, participant text, number text,
           recipient text, reference uuid, attempt int, code int, reason text, raw json)
 WHERE has_time
    OR NOT EXISTS (
           SELECT FROM wa.status_events AS known
            WHERE known.wamid = event.wamid
              AND known.status = event.status
              AND known.participant = event.participant)
 ORDER BY wamid, status, CASE WHEN has_time THEN happened_at END, participant
ON CONFLICT (wamid, status, happened_at, participant) DO NOTHING
RETURNING wamid
