SELECT pg_advisory_xact_lock(hashtextextended('wa.queue.' || :queue, 0))
