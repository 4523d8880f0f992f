SELECT
    id,
    engine,
    setting
FROM ops.warehouses
ORDER BY registered_at ASC, id ASC
