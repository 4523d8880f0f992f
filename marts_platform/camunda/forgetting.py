"""Camunda's declaration of what can be forgotten: a process instance."""

from __future__ import annotations

from marts_platform import settings
from marts_platform.camunda.sources import CamundaSource, source_columns
from marts_platform.core.forgetting import Forgettable
from marts_platform.core.sql import compose
from marts_platform.resources.postgres import Limits
from marts_platform.resources.postgres_source import one_row


def rows_at_source(process: str) -> int:
    """Count the rows that the engine still has of a process instance.

    Raises:
        CamundaSourceError: the database is not a Camunda history.
    """
    limits = Limits(settings.load().source_statement_timeout_seconds, read_only=True, by_index=True)
    with CamundaSource().server.connect(limits, purpose="forget") as connection:
        source_columns(connection)
        query = compose("camunda/forget/process_at_source.sql")
        (rows,) = one_row(connection, query, {"key": process})
    return int(rows)


PROCESS = Forgettable(
    domain="camunda",
    key="process",
    columns={
        "camunda/act_hi_detail": "proc_inst_id_",
        "camunda/process_variables": "proc_inst_id_",
        "camunda/process_documents": "proc_inst_id_",
    },
    quarantined="camunda/forget/process_quarantined.sql",
    rows_at_source=rows_at_source,
)
