INSERT INTO public."order" (id, source_address_id, target_address_id, extra, registered_at)
SELECT
    id,
    source_address_id,
    target_address_id,
    extra,
    registered_at
FROM generated_order
