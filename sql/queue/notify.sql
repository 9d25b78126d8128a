-- Notify the receivers of a queue. In a transaction of its own: NOTIFY holds a lock of the whole server until its commit is on
-- disk, so that commits of messages beside it would wait for each other.
SELECT pg_notify('wa_queue', :queue)
