-- why: A wamid has up to 128 characters, a business-scoped user id 132, an Office MIME type 71, a signed URL over 500.
--      A column that a view uses cannot be widened: that step is named, left out, and done by a later `wa migrate`.
-- transaction: no

SELECT wa.widen('whatsapp_messages', 'message_id', 128);
SELECT wa.widen('whatsapp_messages', 'context_message_id', 128);
SELECT wa.widen('whatsapp_messages', 'from_phone', 150);
SELECT wa.widen('whatsapp_messages', 'to_phone', 150);
SELECT wa.widen('whatsapp_messages', 'media_type', 150);
SELECT wa.widen('whatsapp_messages', 'media_url', 2048);
