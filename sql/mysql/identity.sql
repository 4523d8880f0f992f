SELECT id
FROM mydb.marts_warehouse
