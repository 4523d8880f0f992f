"""The one code location: it loads in a fresh interpreter on its own, and its keys change only on purpose."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg

from marts_platform.core.mart import marts
from marts_platform.core.sql import sql_root
from marts_platform.definitions import RESOURCES, defs
from marts_platform.page.asset import KEY as PAGE
from marts_platform_tests.asset_graph import asset_graph, recorded

ROOT = Path(__file__).resolve().parents[1]

# Fails on whatever talks to a server, resolves a name, or starts a process.
_WATCH = """
import sys

def watch(event, arguments):
    if event.startswith(("socket.connect", "socket.getaddrinfo", "subprocess", "os.exec", "os.fork")):
        raise RuntimeError(f"the import does I/O: {event} {arguments}")

sys.addaudithook(watch)
import marts_platform.definitions
print(sorted(marts_platform.definitions.RESOURCES))
"""


def test_a_fresh_interpreter_imports_it_without_a_warning_a_connection_or_a_setting(tmp_path: Path) -> None:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MARTS_") and name not in ("DAGSTER_HOME", "PYTHONWARNINGS")
    }
    done = subprocess.run(
        # dagster first: what its own import does is not ours.
        [sys.executable, "-W", "error", "-c", f"import dagster\n{_WATCH}"],
        cwd=tmp_path,
        env={**inherited, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "postgres" in done.stdout
    assert list(tmp_path.iterdir()) == []  # nor does it leave anything behind


def test_the_definitions_are_loadable() -> None:
    dg.Definitions.validate_loadable(defs)


def test_the_asset_graph_is_the_one_that_was_looked_at() -> None:
    # A change on purpose: python -m marts_platform_tests.asset_graph
    assert asset_graph(defs) == recorded()


def test_every_asset_is_a_mart_whose_table_and_resources_are_there() -> None:
    graph = defs.resolve_asset_graph()
    registered = marts()
    for key in graph.materializable_asset_keys - {PAGE}:
        found = registered[key]
        assert found.warehouse in RESOURCES
        assert found.source is None or found.source in RESOURCES
        assert found.table.columns
        assert len(key.path) == 2


def test_every_asset_tells_the_ui_what_it_holds() -> None:
    for node in defs.resolve_asset_graph().asset_nodes:
        assert node.description
        if node.is_external or node.key == PAGE:
            continue  # it is observed only, or no table
        schema = node.metadata["dagster/column_schema"]
        assert isinstance(schema, dg.TableSchema)
        assert all(column.description for column in schema.columns)
        assert node.code_version
        assert (node.backfill_policy is None) == (node.partitions_def is None)
        assert node.owners


def test_where_rows_come_from_stands_in_the_lineage_and_is_never_made() -> None:
    graph = defs.resolve_asset_graph()
    raw = graph.get(dg.AssetKey(["camunda", "act_hi_detail"]))
    assert raw.parent_keys == {dg.AssetKey(["camunda_engine", "act_hi_detail"])}
    assert raw.parent_keys <= graph.external_asset_keys
    for key in graph.external_asset_keys:
        assert graph.get(key).child_keys, key
        assert key not in marts()


def test_everything_that_runs_by_itself_says_what_it_does() -> None:
    for automation in [*(defs.sensors or ()), *(defs.schedules or ())]:
        assert isinstance(automation, dg.SensorDefinition | dg.ScheduleDefinition)
        assert automation.description


def test_the_sql_files_that_assets_name_are_there() -> None:
    for found in marts().values():
        if found.mart.asset.split("/")[0] == "probe":
            continue  # of other tests
        publication = found.mart.publication
        names = [getattr(publication, name, None) for name in ("keep", "touched", "rebuild", "merge")]
        names += [
            found.mart.quarantine,
            found.mart.fingerprint,
            *(audit.file_for(found.warehouse) for audit in found.mart.audits),
        ]
        for name in filter(None, names):
            assert (sql_root() / name).is_file(), name
