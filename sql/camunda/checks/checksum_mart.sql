-- The same figures as checksum_source.sql gives for the same rows: a sum does not depend on their order, nor do
-- bytes in UTF-8 on the server's encoding.
SELECT
    count(*) AS rows_counted,
    coalesce(sum(('x' || left(md5(convert_to(concat_ws(
        '|',
        id_,
        type_,
        name_,
        proc_inst_id_,
        coalesce(var_type_, '~'),
        to_char(time_ AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'),
        coalesce(text_, '~'),
        coalesce(text2_, '~'),
        coalesce(long_::text, '~'),
        coalesce(encode(float8send(double_), 'hex'), '~'),
        coalesce(bytearray_id_, '~')
    ), 'UTF8')), 15))::bit(60)::bigint::numeric), 0) AS checksum
FROM camunda.act_hi_detail
WHERE time_ >= %(start)s AND time_ < %(end)s AND NOT is_purged_ AND NOT is_withdrawn_
