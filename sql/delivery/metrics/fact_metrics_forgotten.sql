-- What is published of a day is not overwritten by less: Prometheus forgets from the oldest sample on, and a federation
-- may answer without some of its stores. The day has to begin where it did, within an hour, and each series has to have
-- samples in each hour in which it had some. A day that is read again under a longer step begins a little elsewhere,
-- and short-lived series may fall between two of its times: there only the day's begin is compared.
WITH live AS (
    SELECT
        metric,
        labels,
        at,
        FALSE AS is_new
    FROM dds.fact_metrics
    WHERE at >= {start:DateTime64(6, 'UTC')} AND at < {end:DateTime64(6, 'UTC')}
    UNION ALL
    SELECT
        metric,
        labels,
        at,
        TRUE AS is_new
    FROM {staged:Identifier}
),

whole AS (
    SELECT
        countIf(NOT is_new) AS samples_before,
        countIf(is_new) AS samples_staged,
        minIf(at, NOT is_new) AS first_before,
        minIf(at, is_new) AS first_staged,
        arraySort(groupUniqArrayIf(toUnixTimestamp64Milli(at), NOT is_new)) AS times_before,
        arraySort(groupUniqArrayIf(toUnixTimestamp64Milli(at), is_new)) AS times_staged,
        arrayMin(arrayFilter(gap -> gap > 0, arrayDifference(times_before))) AS step_before,
        arrayMin(arrayFilter(gap -> gap > 0, arrayDifference(times_staged))) AS step_staged
    FROM live
),

hours AS (
    SELECT
        metric,
        labels,
        toStartOfHour(at) AS hour
    FROM live
    GROUP BY metric, labels, hour
    HAVING countIf(is_new) = 0
),

missing AS (
    SELECT
        count() AS hours_lost,
        min(concat(toString(hour), ' of ', metric, toString(labels))) AS first_lost
    FROM hours
)

SELECT
    whole.samples_before = 0
    OR (
        whole.samples_staged > 0
        AND whole.first_staged <= whole.first_before + INTERVAL 1 HOUR
        AND (missing.hours_lost = 0 OR whole.step_staged > whole.step_before)
    ) AS passed,
    whole.samples_staged AS samples_now,
    whole.samples_before AS samples_published,
    if(whole.samples_staged > 0, toString(whole.first_staged), NULL) AS first_at,
    if(whole.samples_before > 0, toString(whole.first_before), NULL) AS first_published_at,
    missing.hours_lost AS hours_missing,
    missing.first_lost AS first_missing
FROM whole
CROSS JOIN missing
