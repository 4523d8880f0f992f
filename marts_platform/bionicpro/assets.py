"""BionicPRO's assets: telemetry and customers as they come, the reports, and their summary."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from marts_platform import settings
from marts_platform.bionicpro.sources import CrmSource, TelemetrySource
from marts_platform.core.audit import Audit, unique
from marts_platform.core.mart import mart
from marts_platform.core.partitions import DAILY
from marts_platform.core.path import Append, Extract, Replace
from marts_platform.core.rows import Query
from marts_platform.core.window import Slice

_NOW = settings.load()
_FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26))
# Beyond the retries that follow each other at once: a source that is restored, a CRM that is deployed anew.
_RETRIES = dg.RetryPolicy(max_retries=_NOW.reports_retries, delay=_NOW.reports_retry_seconds)


@mart(
    asset="bionicpro/telemetry",
    ddl="bionicpro/ddl/telemetry.sql",
    publication=Replace("created_at"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    audits=[unique("id")],
    quarantine="bionicpro/raw/telemetry_quarantine.sql",
    fingerprint="bionicpro/raw/telemetry_fingerprint.sql",
    source="telemetry",
    kinds=("clickhouse", "postgres"),
    pool="telemetry",
    freshness=_FRESHNESS,
    retry_policy=_RETRIES,
)
def telemetry(slice_: Slice, telemetry: TelemetrySource) -> Extract:
    """A day's actions, streamed from the telemetry's database."""
    return telemetry.actions(slice_)


@mart(
    asset="bionicpro/crm_users",
    ddl="bionicpro/ddl/crm_users.sql",
    publication=Append(is_snapshot=True),
    warehouse="clickhouse",
    audits=[
        Audit(
            "has_customers",
            "bionicpro/audits/crm_has_customers.sql",
            "The snapshot has customers, if the last one had.",
        ),
        Audit(
            "keeps_half",
            "bionicpro/audits/crm_keeps_half.sql",
            "The snapshot has at least half of the customers that the last one had.",
        ),
    ],
    source="crm",
    kinds=("clickhouse", "http"),
    pool="crm",
    freshness=_FRESHNESS,
    retry_policy=_RETRIES,
)
def crm_users(_: Slice, crm: CrmSource) -> Extract:
    """A snapshot of the CRM's customers; those before it stay."""
    return crm.snapshot()


@mart(
    asset="bionicpro/reports_data_mart",
    ddl="bionicpro/ddl/reports_data_mart.sql",
    publication=Replace("report_date"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["bionicpro/telemetry"],
    lookups=["bionicpro/crm_users"],
    audits=[
        unique("user_id", "report_date", "prosthesis_id"),
        Audit(
            "crm_is_fresh",
            "bionicpro/audits/crm_is_fresh.sql",
            "The newest good snapshot of the CRM is less than a day old.",
            blocking=False,
        ),
    ],
    kinds=("clickhouse", "sql"),
    freshness=_FRESHNESS,
    retry_policy=_RETRIES,
)
def reports_data_mart(_: Slice) -> Query:
    """A day's reports: a row for each prosthesis of a user that acted."""
    return Query("bionicpro/marts/reports_data_mart.sql")


@mart(
    asset="bionicpro/user_reports_summary",
    ddl="bionicpro/ddl/user_reports_summary_states.sql",
    publication=Replace("report_date"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["bionicpro/telemetry"],
    audits=[unique("user_id", "report_date")],
    kinds=("clickhouse", "sql"),
    freshness=_FRESHNESS,
    retry_policy=_RETRIES,
)
def user_reports_summary(_: Slice) -> Query:
    """A day's figures of each user over all prostheses, as states; the view of that name reads them."""
    return Query("bionicpro/marts/user_reports_summary_states.sql")
