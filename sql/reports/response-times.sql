-- title:   Response times
-- about:   How long customers waited for an answer, and how many still wait.
-- define:  A turn starts at a customer's first unanswered message and ends at our next message to them that did not fail.
-- define:  Its length is the response time. Later messages of ours are no responses, and a bulk message answers nobody.
-- define:  A turn belongs to the range it began in; percentiles interpolate.
-- define:  Who still waits is counted beside: leaving them out would reward ignoring people.
-- include: turns
-- param:   since   30d
-- column:  answered      integer  Answered
-- column:  mean          span     Mean
-- column:  p50           span     Median
-- column:  p90           span     p90
-- column:  p95           span     p95
-- column:  max           span     Longest
-- column:  waiting       integer  Waiting
-- column:  longest_wait  span     Longest wait

SELECT count(answered_at)                                                                              AS answered,
       avg(extract(epoch FROM answered_at - started_at))::float                                        AS mean,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - started_at)::float)      AS p50,
       percentile_cont(0.90) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - started_at)::float)      AS p90,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM answered_at - started_at)::float)      AS p95,
       max(extract(epoch FROM answered_at - started_at))::float                                        AS max,
       count(*) FILTER (WHERE answered_at IS NULL)                                                     AS waiting,
       extract(epoch FROM CAST(:now AS timestamp) - min(started_at) FILTER (WHERE answered_at IS NULL))::float AS longest_wait
  FROM turn
