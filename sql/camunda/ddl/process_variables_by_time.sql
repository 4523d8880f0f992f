-- Not BRIN: a row that changes moves to wherever there is room, so after some weeks every range of pages holds recent
-- times, and a look at one day reads the whole table.
CREATE INDEX process_variables_by_time ON camunda.process_variables (time_)
