-- Insert pending downloads, each once.
INSERT INTO wa.media (message_id, media_id, number, mime_type, sha256, gone_at)
SELECT DISTINCT ON (message_id) message_id, media_id, number, mime_type, sha256, gone_at
  FROM json_to_recordset(CAST(:rows AS json)) AS file (
           message_id text, media_id text, number text, mime_type text, sha256 text, gone_at timestamptz)
 ORDER BY message_id
ON CONFLICT (message_id) DO NOTHING
