INSERT INTO ops.warehouses (id, engine, setting)
VALUES (%(id)s, %(engine)s, %(setting)s)
ON CONFLICT (id) DO NOTHING
