SELECT pg_notify('wa_heard', news) FROM unnest(CAST(:news AS text[])) AS news
