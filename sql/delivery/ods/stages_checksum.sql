-- Count and order-independent checksum of a window, as checks/fact_stages_checksum.sql gives it of the facts.
SELECT
    count(*) AS rows_counted,
    coalesce(sum(('x' || left(md5(concat_ws(
        '|',
        id::text,
        pipeline_id::text,
        name,
        status,
        coalesce('=' || message, '~'),
        coalesce(to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~'),
        coalesce(to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~'),
        coalesce(to_char(finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '~')
    )), 15))::bit(60)::bigint::numeric), 0)::text AS checksum
FROM ods.stages
WHERE created_at >= %(start)s AND created_at < %(end)s
