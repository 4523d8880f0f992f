SELECT concat('samples ', toString(count())) AS fingerprint
FROM {staged:Identifier}
