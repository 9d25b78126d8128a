-- Rows of either direction, once each, in key order.
INSERT INTO whatsapp_messages (
    message_id, from_phone, to_phone, message_type, content, media_url, media_type, status, timestamp,
    context_message_id, webhook_raw_data, direction, template_name, template_params, retry_count, last_retry_at,
    failure_reason, employee_id, campaign, reference, customer_user_id, created_at, updated_at)
SELECT DISTINCT ON (message_id)
       message_id, from_phone, to_phone, message_type, content, media_url, media_type, status, timestamp,
       context_message_id, webhook_raw_data, direction, template_name, template_params, coalesce(retry_count, 0),
       last_retry_at, failure_reason, employee_id, campaign, reference, customer_user_id,
       clock_timestamp(), clock_timestamp()
  FROM json_to_recordset(CAST(:rows AS json)) AS message (
           message_id text, from_phone text, to_phone text, message_type text, content text, media_url text,
           media_type text, status text, timestamp timestamp, context_message_id text, webhook_raw_data json,
           direction text, template_name text, template_params json, retry_count int, last_retry_at timestamp,
           failure_reason text, employee_id uuid, campaign text, reference uuid, customer_user_id text)
 ORDER BY message_id
ON CONFLICT (message_id) DO NOTHING
RETURNING message_id
