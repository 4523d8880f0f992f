CREATE TABLE IF NOT EXISTS productcategories (
    category_id serial PRIMARY KEY,
    name varchar(100),
    parent_category_id integer
)
