-- Of partitioned tables each comes as one: those of the replica are not partitioned.
CREATE PUBLICATION {name} FOR TABLE {tables} WITH (publish_via_partition_root = TRUE)
