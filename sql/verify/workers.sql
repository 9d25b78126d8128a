-- Workers with a fresh heartbeat, by kind.
SELECT kind, count(*) AS workers, min(version) AS oldest_version, max(progress_at) AS progress_at
  FROM wa.worker_heartbeats
 WHERE seen_at > clock_timestamp() - interval '30 seconds'
 GROUP BY kind
