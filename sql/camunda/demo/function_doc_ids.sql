-- A docIds: with 0 to 5 documents, or one of the shapes that are JSON and yet no list of documents.
CREATE OR REPLACE FUNCTION pg_temp.doc_ids(body text, key bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE body
        WHEN 'no_key' THEN '{"report.Attachments": [{"doc.id": "' || md5(key::text) || '"}]}'
        WHEN 'not_a_list' THEN '{"report.AttachedDocuments": '
            || (ARRAY['null', '{"doc.id": "D-1"}', '"D-2"', '3'])[1 + pg_temp.pick(key, 34, 4)] || '}'
        WHEN 'id_missing' THEN '{"report.AttachedDocuments": [{"doc.name": "passport.pdf"}]}'
        WHEN 'id_number'
            THEN '{"report.AttachedDocuments": [{"doc.id": ' || pg_temp.pick(key, 35, 1000000000) || '}]}'
        WHEN 'id_empty' THEN '{"report.AttachedDocuments": [{"doc.id": ""}]}'
        WHEN 'mixed' THEN '{"report.AttachedDocuments": [null, 7, {"doc.id": null}, {"doc.id": "'
            || pg_temp.identifier('document', key * 8) || '"}, "D-3", {"doc.id": "'
            || pg_temp.identifier('document', key * 8 + 1) || '", "doc.name": "say \"\" cheese"}]}'
        ELSE '{"report.AttachedDocuments": [' || coalesce(
            (
                SELECT
                    string_agg('{"doc.id": "' || pg_temp.identifier('document', key * 8 + d) || '"}', ', ' ORDER BY d)
                FROM generate_series(1, pg_temp.pick(key, 36, 6)) AS d
            ), ''
        ) || ']}'
    END
$$
