-- A well-formed contextData of 400 to 1000 bytes, with what breaks careless readers: empty strings, escaped quotes,
-- line breaks, several alphabets, a number beyond a double.
CREATE OR REPLACE FUNCTION pg_temp.context_data(instance_no bigint, revision bigint, key bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT '{"application": {"number": "A-' || lpad(instance_no::text, 8, '0')
        || '", "channel": "' || (ARRAY['branch', 'web', 'mobile', 'partner'])[1 + pg_temp.pick(key, 25, 4)]
        || '", "amount": ' || pg_temp.pick(key, 26, 10000000)::text || '.' || (10 + pg_temp.pick(key, 27, 90))::text
        || ', "currency": "EUR", "revision": ' || revision::text
        || ', "reference": 12345678901234567890.123456789' || pg_temp.pick(key, 28, 10)::text
        || '}, "client": {"id": "' || md5(key::text)
        || '", "name": "'
        || (ARRAY['Anna Müller', 'Иван Петров', '李雷', 'Zoë O''Brien'])[1 + pg_temp.pick(key, 29, 4)]
        || '", "middleName": "", "vip": ' || (ARRAY['true', 'false', 'null'])[1 + pg_temp.pick(key, 30, 3)]
        || ', "note": ' || (ARRAY[
            '""', '"said \"urgent\" twice"', '"empty quotes: \"\""', '"C:\\temp\\новый"',
            '"two\nlines, a tab\tand 😀"', '"semicolon; comma, ''quote''"', 'null', '"ordinary"'
        ])[1 + pg_temp.pick(key, 31, 8)]
        || '}, "checks": [{"name": "identity", "passed": true}, {"name": "limits", "passed": '
        || (ARRAY['true', 'false'])[1 + pg_temp.pick(key, 32, 2)]
        || '}], "trace": "'
        || left(
            repeat(md5('a' || key::text) || md5('b' || key::text) || md5('c' || key::text), 7),
            130 + pg_temp.pick(key, 33, 451)::integer
        )
        || '"}'
$$
