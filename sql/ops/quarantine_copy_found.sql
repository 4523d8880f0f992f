COPY quarantine_found (source_key, reason, payload, is_row) FROM STDIN
