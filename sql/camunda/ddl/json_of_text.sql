-- The JSON in a text; NULL where it is none. STABLE, as pg_input_is_valid is: so the planner inlines it,
-- and parallel workers may call it (they may not where an exception block is).
CREATE FUNCTION camunda.json_of_text(value text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN pg_input_is_valid(value, 'jsonb') THEN value::jsonb END
