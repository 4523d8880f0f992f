-- Rows that cannot be rows of the raw table, and rows that arrive without a value.
SELECT
    actions.given_id::text AS source_key,
    array_remove(
        ARRAY[
            CASE WHEN actions.id IS NULL THEN 'id is not a whole number of 64 bits' END,
            CASE WHEN actions.user_id IS NULL THEN 'user_id is not a whole number of 32 bits' END,
            CASE WHEN actions.prosthesis_id IS NULL THEN 'prosthesis_id is missing' END,
            CASE
                WHEN actions.response_time_ms IS NULL AND actions.given_response_time IS NOT NULL
                    THEN 'response_time_ms is beyond what a double can hold'
            END,
            CASE
                WHEN actions.battery_level IS NULL AND actions.given_battery_level IS NOT NULL
                    THEN 'battery_level is beyond what a double can hold'
            END,
            CASE
                WHEN actions.duration_seconds IS NULL AND actions.given_duration IS NOT NULL
                    THEN 'duration_seconds is not a whole number of 32 bits'
            END,
            CASE WHEN NOT actions.is_unfit AND actions.place_of_id > 1 THEN 'another row has the same id' END
        ],
        NULL
    ) AS reasons,
    actions.payload,
    actions.is_row_rejected AS is_row,
    ('x' || left(md5(convert_to(actions.payload, 'UTF8')), 15))::bit(60)::bigint AS checksum
FROM ({actions}) AS actions
WHERE actions.is_rejected
