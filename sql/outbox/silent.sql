-- A worker that ended in order is no worker any more.
DELETE FROM wa.worker_heartbeats WHERE worker = :worker
