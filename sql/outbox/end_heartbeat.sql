-- Delete the heartbeat of a worker that has finished its work.
DELETE FROM wa.worker_heartbeats WHERE worker = :worker
