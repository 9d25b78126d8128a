-- Insert messages of a queue, once each. The first one of a customer without unfinished messages is head of line.
WITH letters AS MATERIALIZED (
    SELECT letter.*, letter.due_at > clock_timestamp() IS TRUE AS scheduled
      FROM ROWS FROM (json_to_recordset(CAST(:rows AS json)) AS (
               reference uuid, customer text, phone_number text, recipient text, message_type text, message json,
               business_phone text, employee_id uuid, campaign text, sent_by text, queued_at timestamptz, due_at timestamptz,
               expires_at timestamptz, window_rule text, or_template json,
               resend_of uuid)) WITH ORDINALITY AS letter (
               reference, customer, phone_number, recipient, message_type, message,
               business_phone, employee_id, campaign, sent_by, queued_at, due_at, expires_at, window_rule, or_template, resend_of, place)
), fresh AS MATERIALIZED (
    SELECT DISTINCT ON (reference) *
      FROM letters
     WHERE NOT EXISTS (SELECT FROM wa.outbox AS known WHERE known.reference = letters.reference)
     ORDER BY reference, place
)
INSERT INTO wa.outbox (reference, number, customer, phone_number, recipient, message_type, message, business_phone,
                       employee_id, campaign, sent_by, on_uncertain, queued_at, expires_at, window_rule, or_template, resend_of,
                       scheduled, due_at, turn)
SELECT reference, :number, customer, phone_number, recipient, message_type, message, business_phone,
       employee_id, campaign, sent_by, :on_uncertain, queued_at, expires_at, window_rule, or_template, resend_of, scheduled,
       CASE WHEN scheduled THEN due_at ELSE clock_timestamp() END,
       scheduled
       OR row_number() OVER (PARTITION BY customer, scheduled ORDER BY place) = 1
          AND NOT EXISTS (SELECT FROM wa.outbox AS earlier
                           WHERE earlier.number = :number AND earlier.customer = fresh.customer
                             AND earlier.turn AND NOT earlier.scheduled)
  FROM fresh
 ORDER BY place
ON CONFLICT (reference) DO NOTHING
RETURNING reference
