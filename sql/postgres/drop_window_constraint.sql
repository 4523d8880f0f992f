ALTER TABLE {partition} DROP CONSTRAINT within_window
