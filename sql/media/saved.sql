WITH done AS (
    UPDATE wa.media SET state = 'saved', saved_at = clock_timestamp(), reason = NULL WHERE message_id = :message_id
)
UPDATE whatsapp_messages
   SET media_url = :place, media_size = :size, media_type = coalesce(media_type, :mime_type), updated_at = clock_timestamp()
 WHERE message_id = :message_id
