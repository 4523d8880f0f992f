-- Prometheus forgets from the oldest sample on. A day that is read again under another step begins a little elsewhere.
WITH published AS (
    SELECT
        count() AS samples,
        min(at) AS first_at
    FROM dds.fact_metrics
    WHERE at >= {start:DateTime64(6, 'UTC')} AND at < {end:DateTime64(6, 'UTC')}
),

staged AS (
    SELECT
        count() AS samples,
        min(at) AS first_at
    FROM {staged:Identifier}
)

SELECT
    published.samples = 0
    OR (staged.samples > 0 AND staged.first_at <= published.first_at + INTERVAL 1 HOUR) AS passed,
    staged.samples AS samples_now,
    published.samples AS samples_published,
    if(staged.samples > 0, toString(staged.first_at), NULL) AS first_at,
    if(published.samples > 0, toString(published.first_at), NULL) AS first_published_at
FROM staged
CROSS JOIN published
