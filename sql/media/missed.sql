-- Make lost files due that Meta may still have, and insert unknown files of stored rows.
WITH again AS (
    UPDATE wa.media SET state = 'waiting', attempt = 0, due_at = clock_timestamp()
     WHERE state <> 'saved' AND gone_at > clock_timestamp()
    RETURNING message_id
), unexpected AS (
    INSERT INTO wa.media (message_id, media_id, mime_type, sha256, gone_at)
    SELECT message.message_id, file.part ->> 'id', file.part ->> 'mime_type', file.part ->> 'sha256',
           (message.timestamp::timestamp AT TIME ZONE 'UTC') + :kept
      FROM whatsapp_messages AS message
     CROSS JOIN LATERAL (SELECT message.webhook_raw_data -> message.message_type::text AS part) AS file
     WHERE message.timestamp > (clock_timestamp() AT TIME ZONE 'UTC') - CAST(:kept AS interval)
       AND message.message_type::text IN ('image', 'video', 'audio', 'voice', 'document', 'sticker')
       AND json_typeof(file.part) = 'object' AND file.part ->> 'id' IS NOT NULL
    ON CONFLICT (message_id) DO NOTHING
    RETURNING message_id
)
SELECT (SELECT count(*) FROM again) + (SELECT count(*) FROM unexpected) AS number
