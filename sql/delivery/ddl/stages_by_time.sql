CREATE INDEX stages_by_time ON ods.stages (created_at)
