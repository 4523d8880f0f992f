INSERT INTO ops.forgotten (domain, key_name, key_digest, rows_deleted)
VALUES (%(domain)s, %(key_name)s, encode(sha256(convert_to(%(key)s, 'UTF8')), 'hex'), %(rows_deleted)s)
