-- The actions of a day's users, as the telemetry, the reports and the summary count them.
SELECT
    (
        SELECT count()
        FROM bionicpro_raw.telemetry
        WHERE
            created_at >= {start:DateTime64(6, 'UTC')}
            AND created_at < {end:DateTime64(6, 'UTC')}
            AND user_id >= 0
    ) AS actions_in_telemetry,
    (
        SELECT sum(total_actions)
        FROM bionicpro_reports.reports_data_mart
        WHERE
            report_date >= toDate({start:DateTime64(6, 'UTC')})
            AND report_date < toDate({end:DateTime64(6, 'UTC')})
    ) AS actions_in_reports,
    (
        SELECT sum(total_actions)
        FROM bionicpro_reports.user_reports_summary_states
        WHERE
            report_date >= toDate({start:DateTime64(6, 'UTC')})
            AND report_date < toDate({end:DateTime64(6, 'UTC')})
    ) AS actions_in_summary
