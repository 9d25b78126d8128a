-- One writer at a time, so that no two active employees get one name.
LOCK TABLE wa.employees IN SHARE ROW EXCLUSIVE MODE
