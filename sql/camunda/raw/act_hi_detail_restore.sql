-- The engine's clean-up deletes byte arrays and changes by separate statements: a change may stay for a while
-- without its bytes, which the mart has.
UPDATE {staged} AS staged
SET bytes_ = published.bytes_
FROM camunda.act_hi_detail AS published
WHERE
    staged.bytes_ IS NULL
    AND staged.bytearray_id_ = published.bytearray_id_
    AND staged.id_ = published.id_
    AND published.time_ >= %(start)s
    AND published.time_ < %(end)s
    AND published.bytes_ IS NOT NULL
