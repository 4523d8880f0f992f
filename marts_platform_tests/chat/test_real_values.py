"""Chats as other people keep them: other types, character sets, values that are none, rows without a key."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from marts_platform.chat import assets, checks
from marts_platform.chat.sources import ChatSource
from marts_platform.core.window import Slice, Window
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform_tests.chat.loads import Star
from marts_platform_tests.chat.source import ChatDatabase
from marts_platform_tests.marts import Warehouse

NOON = datetime(2024, 3, 31, 12)  # noqa: DTZ001 # as MySQL's times are
# Each column of another type or character set than the demo's, and none of them Unicode.
OTHER_FORM = (
    "SET foreign_key_checks = 0, sql_mode = ''",
    "DROP TABLE IF EXISTS messages, chats, products, users",
    "CREATE TABLE users (id INT UNSIGNED PRIMARY KEY, username VARCHAR(100) CHARACTER SET {western}, "
    "avatar_path VARCHAR(255) CHARACTER SET {cyrillic}, email VARCHAR(255) CHARACTER SET {western}, "
    "created_at DATETIME(3) NULL)",
    "CREATE TABLE products (id BIGINT(8) UNSIGNED ZEROFILL PRIMARY KEY, "
    "name VARCHAR(255) CHARACTER SET {cyrillic}, "
    "description TEXT CHARACTER SET {western}, price DECIMAL(9, 1) ZEROFILL, seller_id BIGINT, "
    "created_at TIMESTAMP(6) NULL)",
    "CREATE TABLE chats (id MEDIUMINT UNSIGNED PRIMARY KEY, buyer_id INT, seller_id SMALLINT, "
    "product_id BIGINT, created_at DATETIME NULL)",
    "CREATE TABLE messages (id BIGINT, chat_id INT, sender_id INT(10) UNSIGNED ZEROFILL, "
    "message LONGTEXT CHARACTER SET {cyrillic}, created_at DATETIME(6) NULL, read_status TINYINT, "
    "KEY messages_time (created_at))",
)
REPLICAS = (assets.users, assets.products, assets.chats)


@pytest.fixture
def other(chat_of_each_server: ChatDatabase) -> ChatDatabase:
    """The chat's tables in another form, empty."""
    (version,) = chat_of_each_server.rows("SELECT version()")[0]
    # seekdb has no character set but utf8mb4.
    western, cyrillic = (
        ("utf8mb4", "utf8mb4 COLLATE utf8mb4_bin") if "OceanBase" in version else ("latin1", "cp1251")
    )
    chat_of_each_server.execute("SET NAMES utf8mb4")
    for statement in OTHER_FORM:
        chat_of_each_server.execute(statement.format(western=western, cyrillic=cyrillic))
    return chat_of_each_server


def settled(star: Star) -> None:
    """One command loads all of it, and the next one finds nothing to do; checks of agreement pass."""
    star.load_bare()
    assert star.pending() == []
    resources = {"chat": ChatSource(), "clickhouse": ClickHouseIOManager()}
    for asset in REPLICAS:
        finding = checks.agreement(asset)(Slice(), resources)
        assert finding.passed, (asset.key, finding)


def quarantine(warehouse: Warehouse, asset: str) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "SELECT source_key, reason, payload FROM ops.quarantine WHERE replayed_at IS NULL "
        f"AND asset = '{asset}' AND NOT is_row ORDER BY source_key, reason"
    )


def rejected(warehouse: Warehouse, asset: str) -> list[tuple[Any, ...]]:
    return warehouse.rows(
        "SELECT source_key, reason FROM ops.quarantine WHERE replayed_at IS NULL "
        f"AND asset = '{asset}' AND is_row ORDER BY source_key, reason"
    )


def test_a_chat_of_other_types_and_character_sets_loads_once(star: Star, other: ChatDatabase) -> None:
    other.execute("INSERT INTO users VALUES (4294967295, 'é', 'Пётр', 'a@x', '2024-03-30 01:02:03.004')")
    other.execute("INSERT INTO users VALUES (2, 'ü ', '', '', NULL)")
    other.execute("INSERT INTO products VALUES (42, 'Ж', 'ß', 12.0, 2, '2024-03-30 01:02:03.000005')")
    other.execute("INSERT INTO products VALUES (43, '', NULL, 0.5, 2, NULL)")
    other.execute("INSERT INTO chats VALUES (1, 2, 3, 42, '2024-03-31')")
    other.execute("INSERT INTO messages VALUES (7, 1, 2, 'Привет\\\\\\t', '2024-03-31 12:00:00.000001', 1)")
    other.execute("INSERT INTO messages VALUES (8, 1, 3, '', '2024-03-31 12:00:01', NULL)")
    settled(star)
    assert star.ask("SELECT id, username, avatar_path FROM chat_raw.users ORDER BY id") == [
        (2, "ü ", ""),
        (4294967295, "é", "Пётр"),
    ]
    assert star.ask("SELECT id, name, description, toString(price) FROM chat_raw.products ORDER BY id") == [
        (42, "Ж", "ß", "12"),
        (43, "", None, "0.5"),
    ]
    assert star.ask("SELECT id, sender_id, message, read_status FROM chat_raw.messages ORDER BY id") == [
        (7, 2, "Привет\\\t", True),
        (8, 3, "", None),
    ]
    other.execute("UPDATE products SET price = 12.1 WHERE id = 42")
    other.execute("UPDATE users SET created_at = '2024-03-30 01:02:03.005' WHERE id = 4294967295")
    loaded = {outcome_asset for batch in star.pending() for outcome_asset in batch.assets}
    assert {"chat/products", "chat/users"} <= loaded and "chat/chats" not in loaded
    settled(star)


def test_dates_that_are_none_are_missing_and_quarantined(
    star: Star, other: ChatDatabase, warehouse: Warehouse
) -> None:
    dates = ["0000-00-00", "2024-00-00", "2024-02-00", "0001-01-01", "9999-12-31 23:59:59", "1970-01-01"]
    for number, text in enumerate(dates, start=1):
        other.execute(f"INSERT INTO users VALUES ({number}, 'n', 'a', 'e', '{text}')")
        other.execute(f"INSERT INTO chats VALUES ({number}, 1, 2, 3, '{text}')")
    other.execute("INSERT INTO users VALUES (7, 'n', 'a', 'e', '2024-03-30')")
    settled(star)
    assert star.ask("SELECT groupArray(id) FROM chat_raw.users WHERE created_at IS NULL") == [
        ([1, 2, 3, 4, 5, 6],)
    ]
    assert star.ask("SELECT DISTINCT start_time_id FROM chat_analytics.chat_facts") == [(None,)]
    assert star.one("SELECT toString(max(last_updated)) FROM chat_analytics.user_dimension") == (
        "2024-03-30 00:00:00.000000"
    )
    for asset in ("chat/users", "chat/chats"):
        found = quarantine(warehouse, asset)
        assert [payload[:10] for _, _, payload in found] == [text[:10] for text in dates]
        assert {reason for _, reason, _ in found} == {"created_at is no time that its column holds"}
    # What stands in quarantine is part of the data version: one bad value for another is a change.
    other.execute("UPDATE users SET created_at = '2024-00-01' WHERE id = 1")
    assert "chat/users" in star.pending()[0].assets
    other.execute("UPDATE users SET created_at = '2024-03-30' WHERE id < 7")
    settled(star)
    assert quarantine(warehouse, "chat/users") == []


def test_a_zero_date_of_local_time_is_quarantined(
    star: Star, other: ChatDatabase, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_CHAT_TIMEZONE", "America/New_York")
    other.execute("INSERT INTO users VALUES (1, 'n', 'a', 'e', 0), (2, 'n', 'a', 'e', '9999-12-31 23:59:59')")
    other.execute("INSERT INTO users VALUES (3, 'n', 'a', 'e', '2024-03-30 12:00:00')")
    settled(star)
    assert [row[0] for row in quarantine(warehouse, "chat/users")] == ["1", "2"]
    assert star.one("SELECT max(created_at) FROM chat_raw.users") == datetime(2024, 3, 30, 16, tzinfo=UTC)


def test_bad_values_and_rows_are_quarantined_and_all_others_arrive(
    star: Star, other: ChatDatabase, warehouse: Warehouse
) -> None:
    other.execute("INSERT INTO users VALUES (1, NULL, NULL, NULL, NULL), (2, 'n', 'a', 'e', NULL)")
    other.execute("ALTER TABLE users MODIFY id BIGINT")
    other.execute("INSERT INTO users VALUES (-1, 'n', 'a', 'e', NULL), (4294967296, 'n', 'a', 'e', NULL)")
    other.execute(
        "INSERT INTO products VALUES (1, NULL, NULL, NULL, NULL, NULL), (2, 'n', NULL, 1, -5, NULL)"
    )
    other.execute("INSERT INTO chats VALUES (1, NULL, NULL, NULL, NULL), (2, 1, 2, 1, NULL)")
    other.execute("INSERT INTO messages VALUES (1, 1, 1, NULL, '2024-03-31 12:00:00', 2)")
    other.execute("INSERT INTO messages VALUES (2, NULL, 1, 'x', '2024-03-31 12:00:00', 0)")
    other.execute("INSERT INTO messages VALUES (3, 9, 9, 'orphan', '2024-03-31 12:00:00', 1)")
    other.execute("INSERT INTO messages VALUES (NULL, 2, 2, 'x', '2024-03-31 12:00:00', 1)")
    settled(star)
    assert star.ask("SELECT id FROM chat_raw.users ORDER BY id") == [(1,), (2,)]
    assert rejected(warehouse, "chat/users") == [("-1", "id is no UInt32"), ("4294967296", "id is no UInt32")]
    assert [row[:2] for row in quarantine(warehouse, "chat/users")] == [
        ("1", "avatar_path is missing"),
        ("1", "email is missing"),
        ("1", "username is missing"),
    ]
    assert ("2", "seller_id is no UInt32", "-5") in quarantine(warehouse, "chat/products")
    assert star.one("SELECT count() FROM chat_raw.products") == 2
    assert star.ask("SELECT chat_id, buyer_id FROM chat_analytics.chat_facts ORDER BY chat_id") == [
        (1, None),
        (2, 1),
    ]
    assert star.ask("SELECT id, message, read_status FROM chat_raw.messages ORDER BY id") == [
        (1, None, None),
        (3, "orphan", True),
    ]
    assert rejected(warehouse, "chat/messages") == [("2", "chat_id is missing"), ("NULL", "id is missing")]
    assert star.one("SELECT count() FROM chat_analytics.message_facts") == 2
    other.execute("UPDATE messages SET read_status = 3 WHERE id = 1")
    assert star.pending() != []
    settled(star)


def test_messages_of_no_day_are_counted_and_hinder_no_look(star: Star, other: ChatDatabase) -> None:
    times = [
        "0000-00-00",
        "2024-00-00",
        "2024-02-00",
        "2019-01-01",
        "9999-12-31",
        None,
        "2024-03-31 12:00:00",
    ]
    for number, text in enumerate(times):
        value = f"'{text}'" if text else "NULL"
        other.execute(f"INSERT INTO messages VALUES ({number}, 1, 1, 'x', {value}, 1)")
    settled(star)
    whole = Window.of_days(date(2020, 1, 1), date(2024, 4, 1))
    assert ChatSource().outside(whole) == (6, 0)
    assert ChatSource().newest(whole) == NOON.replace(tzinfo=UTC)
    assert star.ask("SELECT id FROM chat_raw.messages") == [(6,)]


def test_of_messages_with_one_number_a_single_one_arrives(
    star: Star, other: ChatDatabase, warehouse: Warehouse
) -> None:
    for text in ("first", "second"):
        other.execute(f"INSERT INTO messages VALUES (1, 1, 1, '{text}', '2024-03-31 12:00:00', 1)")
    star.load_bare()
    assert star.pending() == []
    assert star.ask("SELECT id, message FROM chat_raw.messages") == [(1, "first")]
    assert rejected(warehouse, "chat/messages") == [("1", "another row has the same id")]


def test_a_type_that_no_column_holds_is_named(star: Star, other: ChatDatabase) -> None:
    other.execute("ALTER TABLE users MODIFY id VARCHAR(40)")
    with pytest.raises(
        Exception, match="chat/users cannot hold .*: id is text at the source, declared UInt32"
    ):
        ChatSource().source_state("chat/users", [Slice()])
