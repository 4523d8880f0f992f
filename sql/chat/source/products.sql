SELECT
    given.id,
    given.name,
    given.description,
    given.price,
    given.seller_id,
    {created_at} AS created_at
FROM products AS given
