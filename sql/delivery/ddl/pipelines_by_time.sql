CREATE INDEX pipelines_by_time ON ods.pipelines (created_at)
