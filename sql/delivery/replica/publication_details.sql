-- What a publication leaves out: kinds of changes, rows, columns. Older servers have no filters, lists and roots.
SELECT
    made.pubinsert AND made.pubupdate AND made.pubdelete AND made.pubtruncate AS has_all_changes,
    coalesce((to_jsonb(made) ->> 'pubviaroot')::boolean, FALSE) AS is_via_root,
    array(
        SELECT published.tablename::text
        FROM pg_publication_tables AS published
        WHERE
            published.pubname = made.pubname
            AND published.schemaname = 'public'
            AND to_jsonb(published) ->> 'rowfilter' IS NOT NULL
        ORDER BY published.tablename
    ) AS filtered,
    (
        SELECT
            coalesce(
                jsonb_object_agg(published.tablename, to_jsonb(published) -> 'attnames') FILTER (
                    WHERE jsonb_typeof(to_jsonb(published) -> 'attnames') = 'array'
                ),
                '{{}}'
            )
        FROM pg_publication_tables AS published
        WHERE published.pubname = made.pubname AND published.schemaname = 'public'
    ) AS columns
FROM pg_publication AS made
WHERE made.pubname = %(name)s
