-- noqa: disable=PRS
ALTER TABLE {table} REPLACE PARTITION ID {partition:String} FROM {source}
