-- The business's own names of these phones. WA_CUSTOMERS stands for wa.customers.
SELECT phone, name FROM wa.customers AS customer WHERE phone = ANY (CAST(:phones AS text[])) AND name IS NOT NULL
