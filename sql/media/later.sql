UPDATE wa.media
   SET due_at = clock_timestamp() + :after, reason = :reason, attempt = attempt - :uncounted
 WHERE message_id = :message_id AND state = 'waiting'
