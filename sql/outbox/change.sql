-- Write the decisions of settling to rows that the transaction has locked. A row that is finished or held gives up its
-- place as head of line.
UPDATE wa.outbox AS message
   SET state           = change.state,
       turn            = message.turn AND change.state IN ('queued', 'sending', 'uncertain'),
       due_at          = CASE WHEN change.state = 'queued' THEN clock_timestamp() + change.after * interval '1 second'
                              ELSE message.due_at END,
       retry_count     = message.retry_count + change.counts,
       uncertain_since = CASE WHEN change.state = 'uncertain' THEN coalesce(message.uncertain_since, clock_timestamp()) END,
       uncertain_count = message.uncertain_count + (change.state = 'uncertain' AND message.state <> 'uncertain')::int,
       wamid           = coalesce(message.wamid, change.wamid),
       accepted_at     = coalesce(message.accepted_at, change.accepted_at),
       paced           = message.paced OR change.paced,
       possible_double = message.possible_double OR change.possible_double,
       failure_code    = change.failure_code,
       failure_reason  = change.failure_reason,
       lease_until     = NULL,
       final_at        = CASE WHEN change.state IN ('sent', 'failed', 'expired', 'cancelled')
                              THEN coalesce(message.final_at, clock_timestamp()) END
  FROM json_to_recordset(CAST(:rows AS json)) AS change (
           reference uuid, state text, after float, counts int, wamid text, accepted_at timestamptz, paced boolean,
           possible_double boolean, failure_code int, failure_reason text)
 WHERE message.reference = change.reference
