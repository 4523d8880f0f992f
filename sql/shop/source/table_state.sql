SELECT
    pg_is_in_recovery() OR NOT current_setting('track_counts')::boolean AS is_blind,
    concat_ws(
        ' ',
        stat.n_tup_ins,
        stat.n_tup_upd,
        stat.n_tup_del,
        pg_relation_filenode(stat.relid),
        extract(EPOCH FROM pg_postmaster_start_time())::text,
        (
            SELECT extract(EPOCH FROM base.stats_reset)::text
            FROM pg_stat_database AS base
            WHERE base.datname = current_database()
        )
    ) AS state
FROM pg_stat_user_tables AS stat
WHERE stat.relid = to_regclass(%(table)s)
