SELECT
    category_id,
    name,
    parent_category_id
FROM productcategories
