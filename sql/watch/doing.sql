-- The progress of the process :pid, and the processes that it waits for.
SELECT activity.application_name,
       CASE WHEN build.current_locker_pid > 0 THEN ARRAY[build.current_locker_pid::integer]
            ELSE pg_blocking_pids(activity.pid) END AS waits_for,
       build.phase,
       CASE WHEN build.blocks_total > 0 THEN build.blocks_done::float8 / build.blocks_total
            WHEN build.tuples_total > 0 THEN build.tuples_done::float8 / build.tuples_total END AS share
  FROM pg_stat_activity AS activity
  LEFT JOIN pg_stat_progress_create_index AS build USING (pid)
 WHERE activity.pid = :pid
