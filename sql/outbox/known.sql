-- What is known under these references, to be compared with what comes under them again.
SELECT reference, number, phone_number, recipient, message FROM wa.outbox WHERE reference = ANY(CAST(:references AS uuid[]))
