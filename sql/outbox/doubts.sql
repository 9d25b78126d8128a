-- Counts of messages in the outbox that were ever uncertain.
SELECT count(*) FILTER (WHERE state = 'uncertain')                        AS uncertain,
       count(*) FILTER (WHERE state = 'held')                             AS held,
       count(*) FILTER (WHERE uncertain_count > 0 AND attempt > 1)        AS resent,
       count(*) FILTER (WHERE possible_double)                            AS possible_doubles,
       count(*) FILTER (WHERE possible_double AND 1 < (
           SELECT count(*) FROM whatsapp_messages AS message WHERE message.reference = outbox.reference)) AS proven_doubles
  FROM wa.outbox AS outbox
 WHERE uncertain_count > 0 OR possible_double OR state = 'held'
