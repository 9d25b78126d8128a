SELECT reference, state, wamid, attempt, failure_reason FROM wa.outbox WHERE reference = :reference
