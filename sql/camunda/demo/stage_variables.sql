-- The variable instances, in this order: contextData, docIds, wanted ones of an inner scope, docIds set again after
-- its removal (a new instance for the engine), and the ones that nobody wants.
CREATE TEMP TABLE generated_variable ON COMMIT DROP AS
WITH bounds AS (
    SELECT
        %(contexts)s::bigint AS documents_from,
        %(contexts)s::bigint + %(documents)s AS locals_from,
        %(contexts)s::bigint + %(documents)s + %(locals)s AS recreated_from,
        %(contexts)s::bigint + %(documents)s + %(locals)s + %(recreated)s AS others_from
),

updates AS (
    SELECT pg_temp.pick(n, 10, others_from) AS variable_no, count(*) AS times
    FROM bounds, generate_series(1, %(wanted_updates)s::bigint) AS n
    GROUP BY 1
    UNION ALL
    SELECT others_from + pg_temp.pick(n, 11, %(others)s), count(*)
    FROM bounds, generate_series(1, %(other_updates)s::bigint) AS n
    GROUP BY 1
),

catalogue (place, name, var_type) AS (
    VALUES
    (0, 'approved', 'boolean'), (1, 'amount', 'double'), (2, 'attempts', 'integer'),
    (3, 'applicationId', 'long'), (4, 'dueDate', 'date'), (5, 'assignee', 'string'), (6, 'comment', 'string'),
    (7, 'status', 'string'), (8, 'notify', 'boolean'), (9, 'score', 'double'), (10, 'branch', 'string'),
    (11, 'lastError', 'null'), (12, 'response', 'json'), (13, 'priority', 'short'), (14, 'decision', 'string'),
    (15, 'clientObject', 'object'), (16, 'retries', 'integer'), (17, 'region', 'string'),
    (18, 'requestXml', 'xml'), (19, 'scan', 'bytes')
),

placed AS (
    SELECT
        n AS variable_no,
        CASE
            WHEN n < documents_from THEN n
            WHEN n < locals_from THEN n - documents_from
            WHEN n < recreated_from THEN n - locals_from
            WHEN n < others_from THEN n - recreated_from
            ELSE n - others_from
        END AS place,
        CASE
            WHEN n < locals_from THEN 'process'
            WHEN n < recreated_from THEN 'local'
            WHEN n < others_from THEN 'recreated'
            ELSE 'other'
        END AS scope,
        -- The instances' ends of the list: so that some have both variables and some only one.
        CASE
            WHEN n < documents_from THEN n
            WHEN n < locals_from THEN %(instances)s - 1 - (n - documents_from)
            WHEN n < recreated_from THEN pg_temp.pick(n, 12, %(instances)s)
            WHEN n < others_from THEN %(instances)s - 1 - (n - recreated_from)
            ELSE mod(n - others_from, %(instances)s)
        END AS instance_no,
        CASE
            WHEN n < documents_from THEN 'contextData'
            WHEN n < locals_from THEN 'docIds'
            WHEN n < recreated_from THEN (ARRAY['contextData', 'docIds'])[1 + pg_temp.pick(n, 13, 2)]
            WHEN n < others_from THEN 'docIds'
        END AS wanted_name,
        n >= documents_from AND n < documents_from + %(recreated)s AS is_recreated_later
    FROM bounds, generate_series(0, bounds.others_from + %(others)s - 1) AS n
),

named AS (
    -- Each instance starts elsewhere in the catalogue and walks on, so that no scope has a name twice.
    SELECT placed.*, mod(place / %(instances)s + pg_temp.pick(instance_no, 14, 20), 20) AS catalogue_place
    FROM placed
)

SELECT
    named.variable_no,
    named.place,
    named.scope,
    named.instance_no,
    named.wanted_name,
    pg_temp.identifier('variable', named.variable_no) AS var_inst_id,
    coalesce(
        named.wanted_name,
        catalogue.name || CASE WHEN named.place >= 20 * %(instances)s
                THEN '_' || named.place / (20 * %(instances)s)
            ELSE ''
        END
    ) AS name,
    CASE WHEN named.wanted_name IS NULL THEN catalogue.var_type END AS var_type,
    versions.number AS versions,
    versions.number > 1 AND (named.is_recreated_later OR pg_temp.pick(named.variable_no, 15, 12) = 0) AS is_removed,
    CASE named.scope
        WHEN 'recreated' THEN instance.stopped
        WHEN 'local'
            THEN instance.started
                + (instance.stopped - instance.started) * pg_temp.unit(named.variable_no, 16)
        ELSE instance.started
    END AS first_set,
    instance.stopped AS last_set
FROM named
INNER JOIN generated_instance AS instance USING (instance_no)
LEFT JOIN updates USING (variable_no)
LEFT JOIN catalogue ON catalogue.place = named.catalogue_place
CROSS JOIN LATERAL (SELECT 1 + coalesce(updates.times, 0) + named.is_recreated_later::int AS number) AS versions
