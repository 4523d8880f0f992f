"""The one path of every table: extract a window, stage, audit, publish, record."""
