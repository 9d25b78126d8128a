-- A worker has ended after finishing its work: nothing is expected of it.
DELETE FROM wa.worker_heartbeats WHERE worker = :worker
