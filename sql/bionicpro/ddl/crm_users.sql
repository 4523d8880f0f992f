-- The CRM's customers as it told them: every snapshot stays. A customer who is told twice stands here twice.
CREATE TABLE bionicpro_raw.crm_users (
    taken_at DateTime64(6, 'UTC'), -- When the snapshot was taken.
    user_id UInt32, -- The customer.
    email Nullable(String), -- The customer's address.
    first_name Nullable(String), -- The customer's first name.
    last_name Nullable(String), -- The customer's last name.
    prosthesis_id Nullable(String), -- The prosthesis that the CRM knows of.
    order_date Nullable(Date), -- When it was ordered.
    status Nullable(String) -- How things stand with the customer.
)
ENGINE = MergeTree
PARTITION BY toYYYYMM(taken_at)
ORDER BY (taken_at, user_id)
