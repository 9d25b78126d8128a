-- Insert messages of degraded mode as if they had been claimed now. A sweep ends their lease unless an outcome
-- comes. A known message that is not claimed is claimed after the fact. One that another worker tried too is a
-- possible duplicate. A repetition changes nothing.
INSERT INTO wa.outbox AS known (reference, number, customer, phone_number, recipient, message_type, message, business_phone,
                                employee_id, campaign, sent_by, on_uncertain, queued_at, expires_at, window_rule, or_template,
                                resend_of, due_at, turn, state, attempt, token, last_attempt_at, lease_until, possible_double)
SELECT reference, number, customer, phone_number, recipient, message_type, message, business_phone,
       employee_id, campaign, sent_by, :on_uncertain, queued_at, expires_at, window_rule, or_template, resend_of, sent_at, FALSE, 'sending', 1,
       token, sent_at, clock_timestamp() + :lease, tries > 1
  FROM (SELECT DISTINCT ON (reference) *, count(*) OVER (PARTITION BY reference) AS tries
          FROM json_to_recordset(CAST(:rows AS json)) AS intent (
                   reference uuid, number text, customer text, phone_number text, recipient text, message_type text,
                   message json, business_phone text, employee_id uuid, campaign text, sent_by text, queued_at timestamptz,
                   expires_at timestamptz, window_rule text, or_template json, resend_of uuid, token uuid, sent_at timestamptz)
         ORDER BY reference, sent_at DESC) AS intent
 ORDER BY reference
ON CONFLICT (reference) DO UPDATE
   SET state           = CASE known.state WHEN 'queued' THEN 'sending' ELSE known.state END,
       attempt         = known.attempt + (known.state = 'queued')::int,
       token           = CASE known.state WHEN 'queued' THEN excluded.token ELSE known.token END,
       last_attempt_at = CASE known.state WHEN 'queued' THEN excluded.last_attempt_at ELSE known.last_attempt_at END,
       lease_until     = CASE known.state WHEN 'queued' THEN excluded.lease_until ELSE known.lease_until END,
       possible_double = known.possible_double OR excluded.possible_double OR known.state <> 'queued' OR known.uncertain_count > 0
 WHERE known.token IS DISTINCT FROM excluded.token
   AND NOT EXISTS (SELECT FROM wa.send_attempts AS made
                    WHERE made.reference = known.reference AND made.token = excluded.token)
