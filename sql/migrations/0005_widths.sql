-- why: A wamid has up to 128 characters, a business-scoped user id 132, an Office MIME type 71, a signed URL over 500.
--      A column that a view uses cannot be widened: that step is named, left out, and done by a later `wa migrate`.
-- transaction: no
-- lock: ACCESS EXCLUSIVE, an instant: a change of the length alone rewrites nothing

-- step: let message_id be 128 characters long
SELECT wa.widen('whatsapp_messages', 'message_id', 128);

-- step: let context_message_id be 128 characters long
SELECT wa.widen('whatsapp_messages', 'context_message_id', 128);

-- step: let from_phone be 150 characters long
SELECT wa.widen('whatsapp_messages', 'from_phone', 150);

-- step: let to_phone be 150 characters long
SELECT wa.widen('whatsapp_messages', 'to_phone', 150);

-- step: let media_type be 150 characters long
SELECT wa.widen('whatsapp_messages', 'media_type', 150);

-- step: let media_url be 2048 characters long
SELECT wa.widen('whatsapp_messages', 'media_url', 2048);
