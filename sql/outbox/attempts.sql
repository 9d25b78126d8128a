-- Insert attempts with their outcomes. The first outcome of an attempt stands, unless it was unknown.
INSERT INTO wa.send_attempts AS known (reference, attempt, token, verdict, wamid, code, reason, answered_at)
SELECT DISTINCT ON (reference, attempt) *
  FROM json_to_recordset(CAST(:rows AS json)) AS made (
           reference uuid, attempt int, token uuid, verdict text, wamid text, code int, reason text,
           answered_at timestamptz)
 ORDER BY reference, attempt, verdict = 'unknown'
ON CONFLICT (reference, attempt) DO UPDATE
   SET verdict = excluded.verdict, wamid = excluded.wamid, code = excluded.code, reason = excluded.reason,
       answered_at = excluded.answered_at
 WHERE known.verdict = 'unknown'
