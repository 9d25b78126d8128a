-- Reads a value as the type of its column, as the workers' statements do.
SELECT json_populate_record(NULL::whatsapp_messages, CAST(:record AS json))
