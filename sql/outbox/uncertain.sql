-- Counts of messages in the outbox that were ever uncertain. A duplicate is two rows of one reference, and is recent if the
-- message was last accepted at or after :since.
WITH message AS (
    SELECT outbox.*,
           possible_double AND 1 < (SELECT count(*) FROM whatsapp_messages AS stored
                                     WHERE stored.reference = outbox.reference) AS is_duplicate
      FROM wa.outbox AS outbox
     WHERE uncertain_count > 0 OR possible_double OR state = 'held'
)
SELECT count(*) FILTER (WHERE state = 'uncertain')                    AS uncertain,
       count(*) FILTER (WHERE state = 'held')                         AS held,
       count(*) FILTER (WHERE uncertain_count > 0 AND attempt > 1)    AS resent,
       count(*) FILTER (WHERE possible_double AND NOT is_duplicate)   AS possible_duplicates,
       count(*) FILTER (WHERE is_duplicate)                           AS duplicates,
       count(*) FILTER (WHERE is_duplicate AND accepted_at >= :since) AS recent_duplicates
  FROM message
