SELECT
    count() = 0 AS passed,
    count() AS facts_out_of_step,
    minOrNull(message_id) AS first_of_them
FROM {staged:Identifier}
WHERE
    (is_response AND is_first_in_chat)
    OR response_microseconds < 0
    OR (response_microseconds > 0 AND NOT is_response)
