-- time_ is the partitions' key, so it has to be part of a unique index; id_ first serves the look-ups.
CREATE UNIQUE INDEX act_hi_detail_key ON camunda.act_hi_detail (id_, time_)
