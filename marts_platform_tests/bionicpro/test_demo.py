"""The demo's sources, the same for the same arguments, with what is odd in them; the named queries."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from marts_platform import reports
from marts_platform.bionicpro.customers import validated
from marts_platform.bionicpro.demo import DEMO, crm_records, fill_telemetry
from marts_platform.core.sql import read_sql
from marts_platform_tests.bionicpro.world import World

UNTIL = date(2024, 3, 1)


def test_the_telemetry_is_the_same_each_time(world: World) -> None:
    def filled() -> list[tuple[Any, ...]]:
        with closing(psycopg2.connect(world.source_url)) as connection:
            assert fill_telemetry(connection, users=20, days=3, until=UNTIL) > 300
        return world.source("SELECT * FROM telemetry_data ORDER BY id")

    first = filled()
    assert filled() == first
    assert {row[3].date() for row in first} == {UNTIL - timedelta(days=back) for back in (1, 2, 3)}
    assert {row[1] for row in first} == set(range(1, 21))
    assert {"PROT-010", "PROT-010-B"} <= {row[2] for row in first}
    assert any(row[4] is None for row in first)
    assert any(row[6] is None for row in first)


def test_the_crm_has_what_a_real_one_has() -> None:
    found = validated(crm_records(200))
    known = [record.user_id for record in found.customers]
    assert len(found.rejected) == 3
    assert 50 not in known
    assert known.count(40) == 2


def test_the_demo_from_its_seed_to_its_reports(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "users.json"
    addresses = {"telemetry": world.source_url, "crm": file.as_uri()}
    assert "actions of 20 users in 30 days" in DEMO.seed(addresses.__getitem__, 0.1)
    world.customers = json.loads(file.read_text())["users"]
    today = datetime.now(UTC).date()
    world.run(today - timedelta(days=2), 2)
    for shown in DEMO.shown:
        assert world.clickhouse.query(read_sql(shown.file)).row_count > 0
    for report, given in (
        ("user_period", ["user_id=10"]),
        ("all_users", ["limit=3"]),
        ("top_by_efficiency", ["days=5", "limit=3"]),
    ):
        reports.show("bionicpro", report, given)
        shown_rows = capsys.readouterr().out
        assert "user_id" in shown_rows or "report_date" in shown_rows
        assert not shown_rows.rstrip().endswith("\n0 rows")
    reports.show("bionicpro", None, [])
    listed = capsys.readouterr().out
    assert all(f"bionicpro {name}" in listed for name in ("all_users", "top_by_efficiency", "user_period"))
    with pytest.raises(reports.ReportError, match="cannot be parsed as UInt32"):
        reports.show("bionicpro", "user_period", ["user_id=x"])
