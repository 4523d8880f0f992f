"""The platform as its users meet it: `marts dev` over databases of its own, driven as the UI drives it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from marts_platform_tests.camunda.engine import Engine
from marts_platform_tests.marts import Warehouse
from marts_platform_tests.ui import queries
from marts_platform_tests.ui.server import Ui, wait

REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": "marts_platform"}
RAW, VARIABLES, DOCUMENTS = "camunda/act_hi_detail", "camunda/process_variables", "camunda/process_documents"
ALL = (RAW, VARIABLES, DOCUMENTS)

_ENDED = {"SUCCESS", "FAILURE", "CANCELED"}
# Launching a run imports Dagster: 8 s on a machine with nothing else to do.
RUN_SECONDS = 180


def path(asset: str) -> dict[str, list[str]]:
    """An asset's key as GraphQL wants it."""
    return {"path": asset.split("/")}


def tags(run: dict[str, Any]) -> dict[str, str]:
    """A run's tags by key."""
    return {tag["key"]: tag["value"] for tag in run["tags"]}


@dataclass(frozen=True)
class Platform:
    """A running platform.

    Attributes:
        ui: its webserver.
        engine: the source's database, for its owner.
        warehouse: what it loads into.
        today: the day on which it was started, UTC.
    """

    ui: Ui
    engine: Engine
    warehouse: Warehouse = field(repr=False)  # it shows its password
    today: date

    def day(self, ago: int) -> str:
        """The partition so many days before today."""
        return (self.today - timedelta(days=ago)).isoformat()

    def rows_at_source(self, day: str) -> int:
        """How many changes of the wanted variables the source has of a day."""
        statement = (
            "SELECT count(*) AS rows_there FROM act_hi_detail "
            "WHERE name_ IN ('contextData', 'docIds') AND time_::date = %s::date"
        )
        return self.engine.rows(statement, day)[0]["rows_there"]

    def launch(self, day: str) -> str:
        """Materialises a day of every asset in one run, as the button does; returns the run's id."""
        selector = {**REPOSITORY, "jobName": "__ASSET_JOB", "assetSelection": [path(asset) for asset in ALL]}
        parameters = {
            "selector": selector,
            "runConfigData": {},
            "executionMetadata": {"tags": [{"key": "dagster/partition", "value": day}]},
        }
        answer = self.ui.ask(queries.LAUNCH_RUN, parameters=parameters)["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        return answer["run"]["runId"]

    def backfill(self, days: Sequence[str]) -> str:
        """Launches a backfill of every asset; returns its id."""
        parameters = {"assetSelection": [path(asset) for asset in ALL], "partitionNames": list(days)}
        answer = self.ui.ask(queries.LAUNCH_BACKFILL, parameters=parameters)["launchPartitionBackfill"]
        assert answer["__typename"] == "LaunchBackfillSuccess", answer
        return answer["backfillId"]

    def ended(self, run_id: str) -> str:
        """The status of a run once it has ended."""

        def status() -> str | None:
            found = self.ui.ask(queries.RUN, run=run_id)["runOrError"]["status"]
            return found if found in _ENDED else None

        return wait(f"the end of run {run_id}", RUN_SECONDS, status)

    def events(self, run_id: str) -> list[dict[str, Any]]:
        """A run's events, oldest first."""
        return self.ui.ask(queries.RUN_EVENTS, run=run_id)["logsForRun"]["events"]

    def row_counts(self, asset: str, days: Sequence[str]) -> dict[str, int]:
        """The row counts that the UI shows for partitions; those it knows."""
        node = self.ui.ask(queries.PARTITIONS, key=path(asset), days=list(days))["assetNodeOrError"]
        return {
            found["partition"]: entry["intValue"]
            for found in node["latestMaterializationByPartition"]
            if found is not None
            for entry in found["metadataEntries"]
            if entry["label"] == "dagster/partition_row_count"
        }

    def partition_status(self, asset: str, day: str) -> str | None:
        """What the UI shows of a partition: MATERIALIZED, FAILED, …; None for nothing yet."""
        node = self.ui.ask(queries.PARTITIONS, key=path(asset), days=[day])["assetNodeOrError"]
        for span in node["assetPartitionStatuses"]["ranges"]:
            if span["startKey"] <= day <= span["endKey"]:
                return span["status"]
        return None

    def checks(self, asset: str) -> dict[str, dict[str, Any]]:
        """The latest result of each of an asset's checks, by name; {} for one that was not executed."""
        node = self.ui.ask(queries.CHECKS, key=path(asset))["assetNodeOrError"]
        return {
            check["name"]: check["executionForLatestMaterialization"] or {}
            for check in node["assetChecksOrError"]["checks"]
        }


def figures(check: dict[str, Any]) -> dict[str, Any]:
    """The figures that a check's result shows, by label."""
    entries = check["evaluation"]["metadataEntries"]
    return {entry["label"]: entry.get("intValue", entry.get("text")) for entry in entries}
