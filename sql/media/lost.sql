UPDATE wa.media SET state = 'lost', reason = :reason WHERE message_id = :message_id AND state = 'waiting'
