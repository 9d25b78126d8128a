WITH old AS MATERIALIZED (
    SELECT reference FROM wa.outbox WHERE final_at < clock_timestamp() - :keep ORDER BY reference LIMIT :limit
       FOR UPDATE SKIP LOCKED
), failures AS (
    DELETE FROM wa.storage_failures AS failure USING old WHERE failure.reference = old.reference
), attempts AS (
    DELETE FROM wa.send_attempts AS made USING old WHERE made.reference = old.reference
)
DELETE FROM wa.outbox AS message USING old WHERE message.reference = old.reference
