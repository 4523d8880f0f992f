-- A day's states from its actions. What counts as missing is as in reports_data_mart.sql.
SELECT
    toUInt32(telemetry.user_id) AS user_id,
    toDate(telemetry.created_at) AS report_date,
    uniqExactState(telemetry.prosthesis_id) AS prostheses,
    count() AS total_actions,
    sumKahanState(
        if(isFinite(toFloat32(telemetry.response_time_ms)), assumeNotNull(telemetry.response_time_ms), 0)
    ) AS response_time_sum,
    countIf(isFinite(toFloat32(telemetry.response_time_ms))) AS response_time_samples,
    maxIf(telemetry.response_time_ms, isFinite(toFloat32(telemetry.response_time_ms))) AS max_response_time,
    minIf(telemetry.response_time_ms, isFinite(toFloat32(telemetry.response_time_ms))) AS min_response_time,
    countIf(telemetry.action_type = 'grasp') AS grasp_count,
    countIf(telemetry.action_type = 'release') AS release_count,
    countIf(telemetry.action_type = 'flex') AS flex_count,
    sumKahanState(
        if(isFinite(toFloat32(telemetry.battery_level)), assumeNotNull(telemetry.battery_level), 0)
    ) AS battery_level_sum,
    countIf(isFinite(toFloat32(telemetry.battery_level))) AS battery_level_samples,
    minIf(telemetry.battery_level, isFinite(toFloat32(telemetry.battery_level))) AS min_battery_level,
    toUInt64(
        coalesce(sumIf(telemetry.duration_seconds, telemetry.duration_seconds >= 0), 0)
    ) AS total_usage_seconds
FROM bionicpro_raw.telemetry AS telemetry
WHERE
    telemetry.created_at >= {start:DateTime64(6, 'UTC')}
    AND telemetry.created_at < {end:DateTime64(6, 'UTC')}
    AND telemetry.user_id >= 0
GROUP BY telemetry.user_id, report_date
