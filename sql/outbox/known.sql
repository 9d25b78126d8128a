-- The messages under these references, for comparison with new ones.
SELECT reference, number, former_numbers, phone_number, recipient, message FROM wa.outbox WHERE reference = ANY(CAST(:references AS uuid[]))
