-- Claim due files for :lease, newest first, since people ask for them first.
WITH due AS MATERIALIZED (
    SELECT message_id FROM wa.media
     WHERE state = 'waiting' AND due_at <= clock_timestamp()
     ORDER BY due_at DESC
     LIMIT :limit
       FOR UPDATE SKIP LOCKED
)
UPDATE wa.media AS file
   SET attempt = attempt + 1, due_at = clock_timestamp() + :lease
  FROM due
 WHERE file.message_id = due.message_id
RETURNING file.message_id, file.media_id, file.number, file.mime_type, file.sha256, file.attempt,
          file.gone_at < clock_timestamp() AS is_gone
