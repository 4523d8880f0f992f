"""What a load sends to a cluster, statement by statement.

There is no cluster here: one server runs the statements, and what only a cluster knows is taken off them on
the way (``ON CLUSTER``, replicated engines, the wait for replicas). What is compared is what was sent.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from clickhouse_connect.driver.httpclient import HttpClient

from marts_platform.core.path import Append, Extract, Keyed, Replace
from marts_platform.migrations import clickhouse as migration
from marts_platform_tests.io_managers.clickhouse.probe import BY_DAY, BY_MONTH, ClickHouseProbe
from marts_platform_tests.io_managers.probe import DAYS, row

D1, D2 = DAYS[:2]
ON = " ON CLUSTER `main`"
REPLICATED = re.compile(r"^ENGINE = Replicated(\w*MergeTree)\('[^']*', '\{replica\}'(?:, )?", re.M)
STAGED = re.compile(r"`marts_staging`\.`probe__readings__[0-9A-Za-z]+__[0-9a-z]{8}(?:__(\w+))?`")
CREATED = re.compile(
    r"^CREATE TABLE (?:IF NOT EXISTS )?(\S+)( ON CLUSTER `main`)? \(.*^ENGINE = (\w+).*", re.S | re.M
)
# Staging is the same with and without a cluster: its tables are this server's.
STAGING = re.compile(
    r"CREATE (TABLE touched|stage )|INSERT |SYSTEM STOP|ALTER TABLE stage |DROP TABLE IF EXISTS (?!repl)"
)

CREATE_SHADOW = "CREATE shadow MergeTree"
OLD_INTO_SHADOW = "ALTER TABLE shadow ATTACH PARTITION {} FROM live"
NEW_INTO_SHADOW = "ALTER TABLE shadow ATTACH PARTITION {} FROM stage"
EXCHANGE = [
    f"SYSTEM SYNC REPLICA{ON} replicated",
    f"EXCHANGE TABLES live AND replicated{ON}",
    # What was the table until now, on every server.
    f"DROP TABLE IF EXISTS replicated{ON} SYNC",
]


def shown(statement: str, values: dict[str, Any] | None) -> str:
    """A statement in one line, its tables called by what they are for."""
    text = "\n".join(line for line in statement.splitlines() if not line.startswith("--"))
    text = STAGED.sub(lambda found: found[1] or "stage", text).replace("`probe`.`readings`", "live")
    text = CREATED.sub(lambda found: f"CREATE {found[1]}{found[2] or ''} {found[3]}", text)
    text = text.replace("ID {partition:String}", str((values or {}).get("partition")))
    return re.sub(r" WHERE .*", " WHERE …", re.sub(r"\s+", " ", text).strip())


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that are sent from now on, to the cluster ``main``."""
    found: list[str] = []
    command = HttpClient.command

    def to_one_server(client: HttpClient, cmd: str, *given: Any, **named: Any) -> Any:
        if client.get_client_setting("log_comment") is None:
            return command(client, cmd, *given, **named)  # the test's own
        found.append(shown(cmd, named.get("parameters")))
        assert client.get_client_setting("alter_sync") == "2", "a statement would not wait for its replicas"
        assert client.get_client_setting("distributed_ddl_output_mode") == "throw"
        if cmd.startswith("SYSTEM SYNC REPLICA"):
            return None
        return command(client, REPLICATED.sub(r"ENGINE = \1(", cmd.replace(ON, "")), *given, **named)

    monkeypatch.setenv("MARTS_CLICKHOUSE_CLUSTER", "main")
    monkeypatch.setattr(HttpClient, "command", to_one_server)
    return found


def published_by(sent: list[str]) -> list[str]:
    """The statements of a load from its publication on; forgets them."""
    found = [statement for statement in sent if not STAGING.match(statement)]
    sent.clear()
    return found


def test_a_partition_is_replaced_or_dropped_in_one_statement(probe: ClickHouseProbe, sent: list[str]) -> None:
    probe.create(BY_DAY)
    asset = probe.asset()
    probe.feed(row(D1, 1, "old"), row(D2, 1, "other"))
    probe.load(asset, D1, D2)
    sent.clear()
    probe.feed(row(D1, 2, "new"), row(D2, 1, "other"))
    probe.load(asset, D1)
    assert published_by(sent) == ["ALTER TABLE live REPLACE PARTITION 20240301 FROM stage"]
    assert probe.published() == [row(D1, 2, "new"), row(D2, 1, "other")]
    probe.feed(row(D2, 1, "other"))
    probe.load(asset, D1)
    assert published_by(sent) == ["ALTER TABLE live DROP PARTITION 20240301"]
    assert probe.published() == [row(D2, 1, "other")]


def test_a_day_inside_a_month_goes_through_a_shadow_on_one_server(
    probe: ClickHouseProbe, sent: list[str]
) -> None:
    probe.create(BY_MONTH)
    asset = probe.asset()
    probe.feed(row(D1, 1, "old"), row(D2, 1, "other"))
    probe.load(asset, D1, D2)
    sent.clear()
    probe.feed(row(D1, 2, "new"))
    probe.load(asset, D1)
    assert published_by(sent) == [
        CREATE_SHADOW,
        OLD_INTO_SHADOW.format("202403"),
        "DELETE FROM shadow WHERE …",
        NEW_INTO_SHADOW.format("202403"),
        "ALTER TABLE live REPLACE PARTITION 202403 FROM shadow",
    ]
    assert probe.published() == [row(D1, 2, "new"), row(D2, 1, "other")]


def test_a_whole_table_is_on_every_server_before_it_is_exchanged(
    probe: ClickHouseProbe, sent: list[str]
) -> None:
    probe.create(BY_DAY)
    asset = probe.asset(
        probe.query("SELECT at, sensor, value FROM probe.feed"),
        publication=Replace(),
        partitions_def=None,
    )
    probe.feed(row(D1, 1), row(D2, 1))
    probe.load(asset)
    assert published_by(sent) == [
        CREATE_SHADOW,
        NEW_INTO_SHADOW.format("20240301"),
        NEW_INTO_SHADOW.format("20240302"),
        f"CREATE replicated{ON} ReplicatedMergeTree",
        "ALTER TABLE replicated ATTACH PARTITION 20240301 FROM shadow",
        "ALTER TABLE replicated ATTACH PARTITION 20240302 FROM shadow",
        *EXCHANGE,
    ]
    assert probe.published() == [row(D1, 1), row(D2, 1)]


def test_rows_of_several_partitions_join_through_an_exchange(probe: ClickHouseProbe, sent: list[str]) -> None:
    probe.create(BY_DAY)
    asset = probe.asset(
        probe.query("SELECT at, sensor, value FROM probe.feed"), publication=Append(), partitions_def=None
    )
    probe.feed(row(D1, 1))
    probe.load(asset)
    assert published_by(sent) == ["ALTER TABLE live ATTACH PARTITION 20240301 FROM stage"]
    probe.feed(row(D1, 2), row(D2, 2))
    probe.load(asset)
    assert published_by(sent) == [
        CREATE_SHADOW,
        OLD_INTO_SHADOW.format("20240301"),
        NEW_INTO_SHADOW.format("20240301"),
        NEW_INTO_SHADOW.format("20240302"),
        f"CREATE replicated{ON} ReplicatedMergeTree",
        "ALTER TABLE replicated ATTACH PARTITION 20240301 FROM shadow",
        "ALTER TABLE replicated ATTACH PARTITION 20240302 FROM shadow",
        *EXCHANGE,
    ]
    assert probe.published() == [row(D1, 1), row(D1, 2), row(D2, 2)]


def test_touched_keys_of_several_partitions_are_rewritten_through_an_exchange(
    probe: ClickHouseProbe, sent: list[str]
) -> None:
    probe.create(BY_DAY)
    probe.feed(row(D1, 1, "old"), row(D2, 1, "old"), row(D2, 2, "other"))
    probe.load(probe.asset(), D1, D2)
    touched = probe.write_sql("probe/marts/touched.sql", "SELECT toInt32(1) AS sensor, true AS in_doubt")
    rebuild = probe.write_sql(
        "probe/marts/rebuild.sql",
        "SELECT at, sensor, value FROM probe.feed WHERE sensor IN (SELECT sensor FROM {touched:Identifier})",
    )
    asset = probe.asset(lambda _: Extract(None), publication=Keyed(touched, rebuild))
    probe.feed(row(D1, 1, "new"), row(D2, 1, "new"))
    sent.clear()
    probe.load(asset, D1)
    assert published_by(sent) == [
        CREATE_SHADOW,
        OLD_INTO_SHADOW.format("20240301"),
        OLD_INTO_SHADOW.format("20240302"),
        "DELETE FROM shadow WHERE …",
        NEW_INTO_SHADOW.format("20240301"),
        NEW_INTO_SHADOW.format("20240302"),
        f"CREATE replicated{ON} ReplicatedMergeTree",
        "ALTER TABLE replicated ATTACH PARTITION 20240301 FROM shadow",
        "ALTER TABLE replicated ATTACH PARTITION 20240302 FROM shadow",
        *EXCHANGE,
    ]
    assert probe.published() == [row(D1, 1, "new"), row(D2, 1, "new"), row(D2, 2, "other")]


def test_the_schema_is_made_on_every_server(probe: ClickHouseProbe, sent: list[str]) -> None:
    probe.write_sql("probe/ddl/readings.sql", BY_DAY.strip())
    migration.upgrade()
    assert f"CREATE live{ON} ReplicatedMergeTree" in sent
    # To compare with, on this server alone, and for a moment.
    kept = [statement for statement in sent if "`migrate__" not in statement]
    assert {statement.split()[1] for statement in kept} >= {"DATABASE", "live", "OR"}
    # The replicated table of the identity passes its row on by itself.
    (written,) = [statement for statement in kept if ON not in statement]
    assert written.startswith("INSERT INTO ops.warehouse ")
    assert f"SYSTEM SYNC REPLICA{ON} `ops`.`warehouse`" in kept
