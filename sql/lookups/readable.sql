-- Can the business's customers be read? WA_CUSTOMERS stands for wa.customers.
SELECT phone, name FROM wa.customers AS customer LIMIT 0
