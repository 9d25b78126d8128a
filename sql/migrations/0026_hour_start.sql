-- why: An hour of the clock began wrong where a zone of three quarters of an hour (Pacific/Chatham) changed its offset.
-- transaction: yes
-- step: define the begin of an hour for every zone
-- lock: none
-- squawk: require-lock-timeout, require-statement-timeout: the runner sets both for each statement, as that one needs them
-- squawk-ignore-file require-lock-timeout, require-statement-timeout

-- The instant at which the clock's hour of this moment began: the last one at which the clock showed a full hour, or was set
-- into this hour. Clocks are set by multiples of a quarter of an hour, and by at most an hour.
CREATE OR REPLACE FUNCTION wa.hour_start(moment timestamptz, zone text)
RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN start AT TIME ZONE zone = clock THEN start
                ELSE (SELECT max(quarter)
                        FROM generate_series(start - interval '1 hour', moment, interval '15 minutes') AS quarter
                       WHERE date_trunc('hour', quarter AT TIME ZONE zone) = clock
                         AND (quarter AT TIME ZONE zone = clock
                              OR date_trunc('hour', (quarter - interval '15 minutes') AT TIME ZONE zone) <> clock)) END
      FROM (SELECT date_trunc('hour', moment AT TIME ZONE zone) AS clock,
                   moment - (moment AT TIME ZONE zone - date_trunc('hour', moment AT TIME ZONE zone)) AS start) AS found
$$;
