SELECT
    given.id,
    given.buyer_id,
    given.seller_id,
    given.product_id,
    {created_at} AS created_at
FROM chats AS given
