-- Insert rows of either direction, once each, in key order. created_at rises in the given order, which tells rows of
-- one second apart. Values are read as the types of the business's own columns, such as an enum or a TIMESTAMPTZ.
INSERT INTO whatsapp_messages (
    id, message_id, from_phone, to_phone, message_type, content, media_url, media_type, status, timestamp,
    context_message_id, webhook_raw_data, direction, template_name, template_params, retry_count, last_retry_at,
    failure_reason, employee_id, campaign, sent_by, group_id, reference, customer_user_id, created_at, updated_at)
SELECT DISTINCT ON (message_id)
       gen_random_uuid(), message_id, from_phone, to_phone, message_type, content, media_url, media_type, status, timestamp,
       context_message_id, webhook_raw_data, direction, template_name, template_params, coalesce(retry_count, 0),
       last_retry_at, failure_reason, employee_id, campaign, sent_by, group_id, reference, customer_user_id,
       statement_timestamp() + ordinality * interval '1 microsecond', statement_timestamp()
  FROM json_populate_recordset(NULL::whatsapp_messages, CAST(:rows AS json)) WITH ORDINALITY AS message
 ORDER BY message_id, ordinality
ON CONFLICT (message_id) DO NOTHING
RETURNING message_id
