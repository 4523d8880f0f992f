-- Values of published rows that no report can use; the row itself stays as the source has it.
SELECT
    toString(id) AS source_key,
    arrayJoin(
        arrayFilter(
            reason -> reason <> '',
            [
                if(isFinite(response_time_ms) = 0, 'response_time_ms is not a finite number', ''),
                if(isFinite(battery_level) = 0, 'battery_level is not a finite number', ''),
                if(
                    isFinite(response_time_ms) AND isInfinite(toFloat32(response_time_ms)),
                    'response_time_ms is beyond what a report can hold', ''
                ),
                if(
                    isFinite(battery_level) AND isInfinite(toFloat32(battery_level)),
                    'battery_level is beyond what a report can hold', ''
                ),
                if(duration_seconds < 0, 'duration_seconds is negative', ''),
                if(user_id < 0, 'user_id is negative, which no customer is', '')
            ]
        )
    ) AS reason,
    toJSONString(
        map(
            'user_id', toString(user_id),
            'prosthesis_id', prosthesis_id,
            'created_at', toString(created_at),
            'response_time_ms', toString(response_time_ms),
            'action_type', action_type,
            'battery_level', toString(battery_level),
            'duration_seconds', toString(duration_seconds)
        )
    ) AS payload,
    false AS is_row
FROM {staged:Identifier}
WHERE
    isFinite(toFloat32(response_time_ms)) = 0
    OR isFinite(toFloat32(battery_level)) = 0
    OR duration_seconds < 0
    OR user_id < 0
