-- A partitioned table, or one that others inherit from, counts nothing itself: its parts do.
WITH RECURSIVE part AS (
    SELECT to_regclass(%(table)s)::oid AS relid
    UNION
    SELECT child.inhrelid
    FROM part
    INNER JOIN pg_inherits AS child ON part.relid = child.inhparent
)

SELECT
    pg_is_in_recovery()
    OR NOT current_setting('track_counts')::boolean
    OR current_setting('server_version_num')::integer < %(counting_since)s
    OR bool_or(class.relkind NOT IN ('r', 'p') OR class.relrowsecurity) AS is_blind,
    concat_ws(
        ' ',
        string_agg(
            concat_ws(
                ' ',
                coalesce(stat.n_tup_ins, 0),
                coalesce(stat.n_tup_upd, 0),
                coalesce(stat.n_tup_del, 0),
                pg_relation_filenode(part.relid),
                part.relid,
                shape.columns_hash
            ),
            ', ' ORDER BY part.relid
        ),
        extract(EPOCH FROM pg_postmaster_start_time())::text,
        (
            SELECT extract(EPOCH FROM base.stats_reset)::text
            FROM pg_stat_database AS base
            WHERE base.datname = current_database()
        )
    ) AS state
FROM part
INNER JOIN pg_class AS class ON part.relid = class.oid
-- A column may get a name, a type and a value in each row by DDL that writes no row.
LEFT JOIN (
    SELECT
        described.attrelid AS relid,
        md5(
            string_agg(
                concat_ws(
                    ' ',
                    described.attnum,
                    described.attname,
                    described.atttypid,
                    described.atttypmod,
                    described.attmissingval
                ),
                ', ' ORDER BY described.attnum
            )
        ) AS columns_hash
    FROM pg_attribute AS described
    WHERE described.attrelid IN (SELECT named.relid FROM part AS named) AND NOT described.attisdropped
    GROUP BY described.attrelid
) AS shape ON part.relid = shape.relid
LEFT JOIN pg_stat_user_tables AS stat ON part.relid = stat.relid
HAVING count(*) > 0
