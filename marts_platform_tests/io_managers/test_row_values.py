"""A value of a row, which an engine quotes in its error, is in no sink: it stays in the tables."""

from __future__ import annotations

from typing import Any

import pytest

from marts_platform_tests.io_managers.probe import DAYS, PLAIN, Probe, row
from marts_platform_tests.test_row_values import CANARY, refuse_canary

D1 = DAYS[0]
TYPED = "SELECT at, value::int AS sensor, value FROM probe.feed WHERE at >= %(start)s AND at < %(end)s"
JSON = TYPED.replace("value::int", "(value::jsonb ->> 'a')::int")


@pytest.mark.parametrize(
    ("case", "kept"),
    [
        ("query", "invalid input syntax for type integer"),
        ("stream", "invalid input syntax for type integer"),
        ("json", "invalid input syntax for type json"),
        ("unique", "Key (value)=(…)"),
        ("check", "violates check constraint"),
    ],
)
def test_value_in_postgres_error_is_in_no_sink(
    probe: Probe, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], case: str, kept: str
) -> None:
    extra = {
        "unique": "CREATE UNIQUE INDEX by_value ON probe.readings (value)",
        "check": "ALTER TABLE probe.readings ADD CONSTRAINT short CHECK (length(value) < 3)",
    }
    probe.create(PLAIN, *([extra[case]] if case in extra else []))
    probe.feed(row(D1, 1, CANARY), row(D1, 2, CANARY))

    ways: dict[str, Any] = {
        "query": probe.query(TYPED),
        "stream": lambda slice_: probe.stream(slice_, TYPED),
        "json": probe.query(JSON),
    }
    result = probe.run(probe.asset(ways.get(case, probe.query())), D1)
    assert not result.success
    events = "".join(map(repr, probe.instance.all_logs(result.run_id)))
    ((error,),) = probe.warehouse.rows("SELECT error FROM ops.etl_run_log WHERE status = 'failed'")
    refuse_canary(events, error, caplog.text, "".join(map(str, capfd.readouterr())))
    assert kept in events.replace("\\n", "\n") and kept in error
