-- title:   Errors
-- place:   10
-- about:   Failed and retried messages, by Meta's code and reason.
-- define:  Failed: outgoing rows of the range that failed at WhatsApp or at the API, or that expired.
-- define:  Retried: attempts of the range that were retryable, not transmitted or uncertain.
-- include: messages
-- filter:  customer employee
-- param:   since   7d
-- param:   limit   50
-- details: failures
-- meaning: code
-- beside:  spool
-- column:  code       code     Code
-- column:  meaning    text     Meaning
-- column:  reason     words    Reason
-- column:  failed     integer  Failed
-- column:  retried    integer  Retried
-- column:  customers  integer  Customers
-- column:  last_at    instant  Last

, trouble AS (
    SELECT coalesce(event.code, attempt.code, substring(message.failure_reason FROM '#([0-9]{1,9})\M')::integer) AS code,
           coalesce(message.failure_reason, event.reason, attempt.reason) AS reason,
           1 AS failed, 0 AS retried, message.customer, message.instant AS at
      FROM message
      LEFT JOIN LATERAL (SELECT code, reason FROM wa.status_events
                          WHERE wamid = message.message_id AND status = 'failed'
                          ORDER BY received_at DESC LIMIT 1) AS event ON TRUE
      LEFT JOIN LATERAL (SELECT code, reason FROM wa.send_attempts
                          WHERE reference = message.reference AND code IS NOT NULL
                          ORDER BY attempt DESC LIMIT 1) AS attempt ON TRUE
     WHERE message.is_ours AND message.has_failed
    UNION ALL
    SELECT attempt.code, attempt.reason, 0, 1, coalesce(alias.same_as, wa.person_key(outbox.customer)),
           coalesce(attempt.answered_at, attempt.created_at)
      FROM wa.send_attempts AS attempt
      LEFT JOIN wa.outbox AS outbox USING (reference)
      LEFT JOIN wa.contacts AS alias ON alias.customer = wa.person_key(outbox.customer) AND alias.same_as IS NOT NULL
     WHERE attempt.verdict NOT IN ('accepted', 'rejected', 'refused')
       AND attempt.created_at >= CAST(:since AS timestamp) AT TIME ZONE 'UTC' - interval '5 minutes'  -- or late, by the spool
       AND coalesce(attempt.answered_at, attempt.created_at) >= CAST(:since AS timestamp) AT TIME ZONE 'UTC'
       AND coalesce(attempt.answered_at, attempt.created_at) < CAST(:until AS timestamp) AT TIME ZONE 'UTC'
       AND (CAST(:customer AS text) IS NULL OR coalesce(alias.same_as, wa.person_key(outbox.customer)) = :customer)
       AND (CAST(:employee AS uuid) IS NULL OR outbox.employee_id = CAST(:employee AS uuid))
)
SELECT code, NULL::text AS meaning, coalesce(reason, 'no reason is known') AS reason, sum(failed) AS failed,
       sum(retried) AS retried, count(DISTINCT customer) AS customers, max(at) AS last_at
  FROM trouble
 GROUP BY code, coalesce(reason, 'no reason is known')
 ORDER BY sum(failed) DESC, sum(retried) DESC, code, reason
 LIMIT :limit
