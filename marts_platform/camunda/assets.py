"""Camunda's assets: the history of the wanted variables, their current values, the processes' documents."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from marts_platform.camunda.sources import CamundaSource
from marts_platform.core.audit import Audit, unique
from marts_platform.core.mart import keyed_mart, mart
from marts_platform.core.partitions import DAILY
from marts_platform.core.path import Extract, Keyed, Replace
from marts_platform.core.window import Slice

# Where the rows come from, for the lineage.
ENGINE_HISTORY = dg.AssetSpec(
    dg.AssetKey(["camunda_engine", "act_hi_detail"]),
    description="The engine's own history, at MARTS_CAMUNDA_URL: every change of every process variable. "
    "Values of json and object variables stand beside it, in act_ge_bytearray.",
    group_name="camunda",
    kinds={"postgres", "camunda"},
    owners=["team:data"],
    metadata={"dagster/table_name": "act_hi_detail"},
)

_FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26))


@mart(
    asset="camunda/act_hi_detail",
    ddl="camunda/ddl/act_hi_detail.sql",
    publication=Replace(
        "time_",
        keep="camunda/raw/act_hi_detail_keep.sql",
        restore="camunda/raw/act_hi_detail_restore.sql",
        missing="camunda/raw/act_hi_detail_missing.sql",
    ),
    warehouse="postgres",
    partitions_def=DAILY,
    audits=[unique("id_")],
    quarantine="camunda/raw/quarantine.sql",
    fingerprint="camunda/raw/fingerprint_staged.sql",
    source="camunda",
    source_asset=ENGINE_HISTORY,
    kinds=("postgres", "camunda"),
    pool="camunda",
    freshness=_FRESHNESS,
)
def act_hi_detail(slice_: Slice, camunda: CamundaSource) -> Extract:
    """A day's changes of the wanted variables, streamed from the engine's database."""
    return camunda.changes(slice_)


process_variables = keyed_mart(
    asset="camunda/process_variables",
    ddl="camunda/ddl/process_variables.sql",
    publication=Keyed(
        touched="camunda/marts/process_variables_touched.sql",
        rebuild="camunda/marts/process_variables_rebuild.sql",
        merge="camunda/marts/process_variables_merge.sql",
    ),
    warehouse="postgres",
    partitions_def=DAILY,
    upstream=["camunda/act_hi_detail"],
    audits=[unique("var_inst_id_")],
    kinds=("postgres", "sql"),
    freshness=_FRESHNESS,
)


process_documents = keyed_mart(
    asset="camunda/process_documents",
    ddl="camunda/ddl/process_documents.sql",
    publication=Keyed(
        touched="camunda/marts/process_documents_touched.sql",
        rebuild="camunda/marts/process_documents_rebuild.sql",
        merge="camunda/marts/process_documents_merge.sql",
    ),
    warehouse="postgres",
    partitions_def=DAILY,
    upstream=["camunda/act_hi_detail"],
    audits=[
        unique("proc_inst_id_"),
        Audit(
            "documents_in_step",
            "camunda/audits/documents_in_step.sql",
            "doc_id is the first of doc_ids, and time_ the newest change of either part.",
        ),
    ],
    quarantine="camunda/marts/process_documents_quarantine.sql",
    kinds=("postgres", "sql"),
    freshness=_FRESHNESS,
)
