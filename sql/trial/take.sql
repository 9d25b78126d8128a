-- Read a value as the type of its column, like the workers' statements.
SELECT json_populate_record(NULL::whatsapp_messages, CAST(:record AS json))
