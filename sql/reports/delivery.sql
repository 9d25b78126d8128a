-- title:   Delivery
-- place:   9
-- about:   Outgoing messages that were delivered, read or failed.
-- define:  Of the outgoing rows of the range: sent = delivered + failed + open, and the shares are of sent.
-- define:  Delivered includes read. Failed was refused by WhatsApp or the API. Open has no status yet.
-- define:  Delivery time: the median from our sending to WhatsApp's delivery, whose times are whole seconds.
-- define:  A delivery before the answer to our request took no time. One more than five minutes before it is left out.
-- include: messages
-- include: names
-- filter:  customer employee
-- by:      all template type day employee
-- page:    type
-- param:   since   7d
-- param:   limit   200
-- details: sent
-- shown:   what by template type day employee
-- column:  what             text     What
-- column:  sent             integer  Sent
-- column:  delivered        integer  Delivered
-- column:  read             integer  Read
-- column:  failed           integer  Failed
-- column:  open             integer  Open
-- column:  delivered_share  percent  Delivered %
-- column:  read_share       percent  Read %
-- column:  delivery_time    span     Delivery time

SELECT what,
       count(*)                                                               AS sent,
       count(*) FILTER (WHERE is_delivered)                                   AS delivered,
       count(*) FILTER (WHERE is_read)                                        AS read,
       count(*) FILTER (WHERE has_failed)                                     AS failed,
       count(*) FILTER (WHERE NOT is_delivered AND NOT has_failed)            AS open,
       count(*) FILTER (WHERE is_delivered)::float8 / count(*)                AS delivered_share,
       count(*) FILTER (WHERE is_read)::float8 / count(*)                     AS read_share,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY greatest(extract(epoch FROM delivered_at - at)::float8, 0))
           FILTER (WHERE is_delivered AND delivered_at > at - interval '5 minutes')                AS delivery_time
  FROM (SELECT message.*,
               NOT has_failed AND (coalesce(status IN ('delivered', 'read'), FALSE) OR coalesce(delivered_at, read_at) IS NOT NULL)
                   AS is_delivered,
               NOT has_failed AND (coalesce(status = 'read', FALSE) OR read_at IS NOT NULL) AS is_read,
               CASE :by WHEN 'template' THEN coalesce(template_name, 'no template')
                        WHEN 'type' THEN message_type
                        WHEN 'day' THEN to_char(local_at, 'YYYY-MM-DD')
                        WHEN 'employee' THEN coalesce(employee.name, employee_id::text, 'unknown')
                        ELSE 'all' END AS what
          FROM message
          LEFT JOIN named AS employee ON employee.id = message.employee_id
         WHERE is_ours) AS sending
 GROUP BY what
 ORDER BY CASE WHEN :by = 'day' THEN what END DESC, sent DESC, what
 LIMIT :limit
