INSERT IGNORE INTO mydb.marts_warehouse (one, id)
VALUES (1, %(id)s)
