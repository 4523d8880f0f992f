"""Downstream assets get a relation or a DataFrame, as their annotation says: of a day, a range, or all."""

from datetime import date
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from marts_platform.core.path import Replace
from marts_platform.core.relation import Relation
from marts_platform.core.window import Window
from marts_platform_tests.io_managers.probe import DAILY, DAYS, Probe, failure, row

# Not `from __future__ import annotations`: Dagster reads the annotations of the inputs below.

D1, D2, D3 = DAYS[:3]
ROWS = [row(D1, 1, "a"), row(D2, 1, "b"), row(D2, 2, None), row(D3, 1, "c")]
UPSTREAM = dg.AssetIn(dg.AssetKey(["probe", "readings"]), input_manager_key="postgres")


@pytest.fixture
def upstream(probe: Probe) -> dg.AssetsDefinition:
    """The mart with three days published."""
    probe.create_partitioned()
    probe.feed(*ROWS)
    asset = probe.asset()
    probe.load(asset, D1, D2, D3)
    return asset


def given_to(
    probe: Probe, upstream: dg.AssetsDefinition, annotation: Any, *days: str, partitioned: bool = True
) -> Any:
    """What a downstream asset with that annotation gets in a run of the days."""
    seen: list[Any] = []

    def report(readings: Any) -> None:
        seen.append(readings)

    report.__annotations__["readings"] = annotation
    options: dict[str, Any] = {}
    if partitioned:
        options = {"partitions_def": DAILY, "backfill_policy": dg.BackfillPolicy.single_run()}
    downstream = dg.asset(ins={"readings": UPSTREAM}, **options)(report)
    result = probe.run([upstream, downstream], *days, selection=[downstream])
    assert result.success, failure(result)
    (readings,) = seen
    return readings


def values(frame: pd.DataFrame) -> list[Any]:
    return sorted(map(str, frame["value"].tolist()))


def test_a_relation_of_a_day(probe: Probe, upstream: dg.AssetsDefinition) -> None:
    relation = given_to(probe, upstream, Relation, D2)
    assert relation.table.qualified == "probe.readings"
    assert relation.column == "at"
    assert relation.window == Window.of_day(date.fromisoformat(D2))


def test_a_relation_is_what_an_unannotated_input_gets(probe: Probe, upstream: dg.AssetsDefinition) -> None:
    assert isinstance(given_to(probe, upstream, Any, D2), Relation)


def test_a_relation_of_a_range(probe: Probe, upstream: dg.AssetsDefinition) -> None:
    relation = given_to(probe, upstream, Relation, D1, D2)
    assert relation.window == Window.of_days(date.fromisoformat(D1), date.fromisoformat(D3))


def test_a_data_frame_of_a_day(probe: Probe, upstream: dg.AssetsDefinition) -> None:
    frame = given_to(probe, upstream, pd.DataFrame, D2)
    assert values(frame) == ["None", "b"]
    assert list(frame.columns) == ["at", "sensor", "value"]


def test_a_data_frame_of_a_range(probe: Probe, upstream: dg.AssetsDefinition) -> None:
    assert values(given_to(probe, upstream, pd.DataFrame, D1, D2)) == ["None", "a", "b"]


def test_a_data_frame_of_an_empty_day(probe: Probe, upstream: dg.AssetsDefinition) -> None:
    assert len(given_to(probe, upstream, pd.DataFrame, DAYS[5])) == 0


def test_an_unpartitioned_asset_gets_all_days(probe: Probe, upstream: dg.AssetsDefinition) -> None:
    assert values(given_to(probe, upstream, pd.DataFrame, partitioned=False)) == ["None", "a", "b", "c"]


def test_a_table_without_windows_is_given_whole(probe: Probe) -> None:
    probe.create()
    probe.feed(*ROWS)
    asset = probe.asset(
        probe.query("SELECT at, sensor, value FROM probe.feed"), publication=Replace(), partitions_def=None
    )
    probe.load(asset)
    assert given_to(probe, asset, Relation, partitioned=False).window is None
    assert values(given_to(probe, asset, pd.DataFrame, partitioned=False)) == ["None", "a", "b", "c"]
