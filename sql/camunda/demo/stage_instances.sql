-- The process instances: started evenly over the window, most ended after some hours. Every twentieth is called
-- by the one before it, and has that one as its root.
CREATE TEMP TABLE generated_instance ON COMMIT DROP AS
WITH root AS (
    SELECT
        n AS instance_no,
        mod(n, 20) = 19 AS is_called,
        CASE WHEN mod(n, 20) = 19 THEN n - 1 ELSE n END AS root_no
    FROM generate_series(0, %(instances)s::bigint - 1) AS n
),

span AS (
    SELECT
        root.*,
        %(from)s::timestamptz
        + (%(until)s::timestamptz - %(from)s::timestamptz) * pg_temp.unit(root_no, 1) AS started,
        CASE
            WHEN pg_temp.pick(root_no, 2, 50) > 0 THEN interval '6 hours' * -ln(1 - pg_temp.unit(root_no, 3))
        END AS took
    FROM root
),

bounded AS (
    SELECT
        span.*,
        CASE WHEN started + took < %(until)s::timestamptz THEN started + took END AS ended,
        least(started + took, %(until)s::timestamptz - interval '1 millisecond') AS stopped
    FROM span
)

SELECT
    instance_no,
    root_no,
    is_called,
    pg_temp.identifier('process', instance_no) AS proc_inst_id,
    pg_temp.identifier('process', root_no) AS root_proc_inst_id,
    CASE WHEN is_called THEN 'DocumentCollection' ELSE 'CreditApplication' END AS proc_def_key,
    CASE WHEN is_called THEN 'DocumentCollection:1:' ELSE 'CreditApplication:3:' END
    || pg_temp.identifier('definition', is_called::int) AS proc_def_id,
    CASE WHEN is_called THEN started + (stopped - started) * 0.1 ELSE started END AS started,
    CASE WHEN is_called THEN started + (stopped - started) * 0.9 ELSE ended END AS ended,
    CASE WHEN is_called THEN started + (stopped - started) * 0.9 ELSE stopped END AS stopped,
    -- Set by the engine when the root ends, for the definitions that have a time to live.
    CASE WHEN pg_temp.pick(root_no, 4, 25) = 0
            THEN ended + interval '1 day' * (%(days)s + 1 + pg_temp.pick(root_no, 5, 30))
    END AS removal,
    CASE WHEN pg_temp.pick(root_no, 6, 10) = 0 THEN 'north' END AS tenant_id
FROM bounded
