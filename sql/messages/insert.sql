-- Rows of either direction, once each, in key order. Those of one second are told apart by created_at: it rises in the order
-- in which they are given.
INSERT INTO whatsapp_messages (
    message_id, from_phone, to_phone, message_type, content, media_url, media_type, status, timestamp,
    context_message_id, webhook_raw_data, direction, template_name, template_params, retry_count, last_retry_at,
    failure_reason, employee_id, campaign, sent_by, group_id, reference, customer_user_id, created_at, updated_at)
SELECT DISTINCT ON (message_id)
       message_id, from_phone, to_phone, message_type, content, media_url, media_type, status, timestamp,
       context_message_id, webhook_raw_data, direction, template_name, template_params, coalesce(retry_count, 0),
       last_retry_at, failure_reason, employee_id, campaign, sent_by, group_id, reference, customer_user_id,
       statement_timestamp() + place * interval '1 microsecond', statement_timestamp()
  FROM ROWS FROM (json_to_recordset(CAST(:rows AS json)) AS (
           message_id text, from_phone text, to_phone text, message_type text, content text, media_url text,
           media_type text, status text, timestamp timestamp, context_message_id text, webhook_raw_data json,
           direction text, template_name text, template_params json, retry_count int, last_retry_at timestamp,
           failure_reason text, employee_id uuid, campaign text, sent_by text, group_id text, reference uuid,
           customer_user_id text)) WITH ORDINALITY AS message (
           message_id, from_phone, to_phone, message_type, content, media_url, media_type, status, timestamp,
           context_message_id, webhook_raw_data, direction, template_name, template_params, retry_count, last_retry_at,
           failure_reason, employee_id, campaign, sent_by, group_id, reference, customer_user_id, place)
 ORDER BY message_id, place
ON CONFLICT (message_id) DO NOTHING
RETURNING message_id
