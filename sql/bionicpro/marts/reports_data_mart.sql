-- A day's reports. Numbers that are not finite as the Float32 of a report, negative durations and negative users are in
-- quarantine since the telemetry was loaded: here the first two count as missing, and the third is nobody. sumKahan:
-- the last digits of a plain sum depend on the order of the rows. least() and greatest() pass over NULL, so it is asked
-- for before. A report that says what it said before keeps its times: the same day twice is the same table. Which
-- snapshot told so is no part of what it says; and a hash of NULL, where there was none yet, is equal to nothing.
WITH newest_snapshot AS (
    SELECT maxOrNull(taken_at) AS taken_at
    FROM bionicpro_raw.crm_users
),

customers AS (
    -- A record for each customer: of the latest order, and among equal ones the first in the alphabet.
    SELECT
        user_id,
        email,
        first_name,
        last_name,
        order_date,
        status,
        true AS is_in_crm
    FROM bionicpro_raw.crm_users
    WHERE taken_at = (SELECT taken_at FROM newest_snapshot)
    ORDER BY user_id ASC, order_date DESC NULLS LAST, email ASC, first_name ASC, last_name ASC, status ASC
    LIMIT 1 BY user_id
),

measured AS (
    SELECT
        toUInt32(telemetry.user_id) AS user_id,
        telemetry.prosthesis_id,
        toDate(telemetry.created_at) AS report_date,
        count() AS total_actions,
        countIf(isFinite(toFloat32(telemetry.response_time_ms))) AS response_time_samples,
        sumKahanIf(telemetry.response_time_ms, isFinite(toFloat32(telemetry.response_time_ms)))
        / nullIf(response_time_samples, 0) AS avg_response_time,
        maxIf(telemetry.response_time_ms, isFinite(toFloat32(telemetry.response_time_ms))) AS max_response_time,
        minIf(telemetry.response_time_ms, isFinite(toFloat32(telemetry.response_time_ms))) AS min_response_time,
        countIf(telemetry.action_type = 'grasp') AS grasp_count,
        countIf(telemetry.action_type = 'release') AS release_count,
        countIf(telemetry.action_type = 'flex') AS flex_count,
        countIf(isFinite(toFloat32(telemetry.battery_level))) AS battery_level_samples,
        sumKahanIf(telemetry.battery_level, isFinite(toFloat32(telemetry.battery_level)))
        / nullIf(battery_level_samples, 0) AS avg_battery_level,
        minIf(telemetry.battery_level, isFinite(toFloat32(telemetry.battery_level))) AS min_battery_level,
        countIf(telemetry.duration_seconds >= 0) AS usage_samples,
        coalesce(sumIf(telemetry.duration_seconds, telemetry.duration_seconds >= 0), 0) AS total_usage_seconds,
        total_usage_seconds / 3600.0 AS usage_hours
    FROM bionicpro_raw.telemetry AS telemetry
    WHERE
        telemetry.created_at >= {start:DateTime64(6, 'UTC')}
        AND telemetry.created_at < {end:DateTime64(6, 'UTC')}
        AND telemetry.user_id >= 0
    GROUP BY telemetry.user_id, telemetry.prosthesis_id, report_date
),

reports AS (
    SELECT
        measured.user_id,
        coalesce(customers.email, '') AS email,
        coalesce(customers.first_name, '') AS first_name,
        coalesce(customers.last_name, '') AS last_name,
        measured.prosthesis_id,
        measured.report_date,
        toUInt32(measured.total_actions) AS total_actions,
        toFloat32(coalesce(measured.avg_response_time, 0)) AS avg_response_time,
        toFloat32(coalesce(measured.max_response_time, 0)) AS max_response_time,
        toFloat32(coalesce(measured.min_response_time, 0)) AS min_response_time,
        toUInt32(measured.grasp_count) AS grasp_count,
        toUInt32(measured.release_count) AS release_count,
        toUInt32(measured.flex_count) AS flex_count,
        toFloat32(coalesce(measured.avg_battery_level, 0)) AS avg_battery_level,
        toFloat32(coalesce(measured.min_battery_level, 0)) AS min_battery_level,
        accurateCast(measured.total_usage_seconds, 'UInt32') AS total_usage_seconds,
        toFloat32(measured.usage_hours) AS usage_hours,
        toFloat32(if(measured.usage_hours > 0, measured.total_actions / measured.usage_hours, 0)) AS actions_per_hour,
        toFloat32(
            if(
                measured.response_time_samples > 0,
                greatest(0, least(100, 100 - assumeNotNull(measured.avg_response_time) / 10)),
                0
            )
        ) AS efficiency_score,
        coalesce(customers.order_date, toDate('1970-01-01')) AS order_date,
        coalesce(customers.status, 'unknown') AS status,
        toUInt32(measured.response_time_samples) AS response_time_samples,
        toUInt32(measured.battery_level_samples) AS battery_level_samples,
        toUInt32(measured.usage_samples) AS usage_samples,
        coalesce(customers.is_in_crm, false) AS is_in_crm,
        toBool(customers.order_date IS NOT NULL) AS has_order_date,
        (SELECT taken_at FROM newest_snapshot) AS crm_taken_at
    FROM measured
    LEFT JOIN customers ON measured.user_id = customers.user_id
),

published AS (
    SELECT
        user_id,
        report_date,
        prosthesis_id,
        created_at,
        updated_at,
        sipHash64(* EXCEPT (created_at, updated_at, crm_taken_at)) AS said -- noqa: LT01, LT06
    FROM bionicpro_reports.reports_data_mart
    WHERE
        report_date >= toDate({start:DateTime64(6, 'UTC')})
        AND report_date < toDate({end:DateTime64(6, 'UTC')})
)

SELECT
    reports.*,
    if(published.created_at = 0, now(), published.created_at) AS created_at,
    if(published.said = sipHash64(reports.* EXCEPT (crm_taken_at)), published.updated_at, now()) -- noqa: LT01, LT06
        AS updated_at
FROM reports
LEFT JOIN published
    ON
        reports.user_id = published.user_id
        AND reports.report_date = published.report_date
        AND reports.prosthesis_id = published.prosthesis_id
