-- How many documents a value of docIds lists; NULL if it is no JSON or has another shape.
CREATE FUNCTION camunda.attached_documents(document jsonb) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN jsonb_typeof(document) = 'null' THEN 0
    WHEN jsonb_typeof(document -> 'report.AttachedDocuments') = 'array'
        THEN jsonb_array_length(document -> 'report.AttachedDocuments')
END
