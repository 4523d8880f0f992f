-- doc.id of every attached document in a value of docIds, in their order; numbers as their digits.
-- Any other shape has none.
CREATE FUNCTION camunda.document_ids(document jsonb) RETURNS text []
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY(
    SELECT found.id #>> ARRAY[]::text []
    FROM jsonb_path_query(
        document,
        'strict $."report.AttachedDocuments"[*]."doc.id" ? (@.type() == "string" || @.type() == "number")',
        silent => true
    ) WITH ORDINALITY AS found (id, place)
    ORDER BY found.place
)
