-- noqa: disable=PRS,CP02
ALTER TABLE {table} DROP PARTITION ID {partition:String}
