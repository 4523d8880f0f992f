-- Windows arrive in the order of time, for which a BRIN index of a few pages is enough.
CREATE INDEX process_variables_by_time ON camunda.process_variables USING brin (time_) WITH (autosummarize = on)
