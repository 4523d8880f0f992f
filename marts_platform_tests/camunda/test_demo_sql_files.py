"""Every SQL file of Camunda's demo is executed, as the demo does it: they build on each other."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import psycopg2
import pytest

from marts_platform.camunda import demo
from marts_platform.camunda.demo import generated, schema
from marts_platform.core.sql import read_sql
from marts_platform.embedded.stack import Stack
from marts_platform_tests import databases
from marts_platform_tests.databases import at_database
from marts_platform_tests.sql_dialects import files_of

UNTIL = datetime(2024, 3, 2, tzinfo=UTC)
# The other one reads what was built, for the demo's last word.
DEMO = {f for f in files_of("postgres") if f.startswith("camunda/demo/") and "newest_documents" not in f}


def test_the_demo_runs_every_one_of_its_statements(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    run: set[str] = set()

    def recorded(read: Callable[[str], str]) -> Callable[[str], str]:
        def reading(file: str) -> str:
            run.add(file)
            return read(file)

        return reading

    for module in (generated, schema):
        monkeypatch.setattr(module, "read_sql", recorded(read_sql))
    owner = stack.owner_url("camunda")
    with (
        databases.scratch_database(owner, databases.user_of(owner)) as name,
        closing(psycopg2.connect(at_database(owner, name))) as connection,
    ):
        demo.create_source(connection)
        history = demo.generate_history(connection, details=200, days=1, until=UNTIL, wanted_share=0.5)
    assert history.details == 200
    assert run == DEMO
