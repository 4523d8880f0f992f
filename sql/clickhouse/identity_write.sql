INSERT INTO ops.warehouse (id, made_at)
SELECT
    {id:String},
    now64(6, 'UTC')
WHERE (SELECT count() FROM ops.warehouse) = 0
