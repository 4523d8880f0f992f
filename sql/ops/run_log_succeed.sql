UPDATE ops.etl_run_log
SET
    status = 'success',
    finished_at = clock_timestamp(),
    rows_read = %(rows_read)s,
    rows_written = %(rows_written)s,
    rows_quarantined = %(rows_quarantined)s,
    values_quarantined = %(values_quarantined)s,
    rows_kept = %(rows_kept)s,
    bytes_read = %(bytes_read)s,
    fingerprint = %(fingerprint)s,
    read_until = %(read_until)s,
    warehouse_id = coalesce(%(warehouse_id)s, warehouse_id)
WHERE id = %(id)s
