"""The shop's events arrive once, typed; what is none of them stands in quarantine, whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from confluent_kafka import Producer
from dagster import DagsterInstance

from marts_platform import settings
from marts_platform.core.checks import Finding, Outside
from marts_platform.core.streams import PositionsLostError
from marts_platform.core.window import Slice, Window
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.materialization import SelectionError, materialize, replayable
from marts_platform.shop.events import ASSET, newest_users_are_known, undated_events
from marts_platform_tests import kafka_wire
from marts_platform_tests.kafka_wire import Record
from marts_platform_tests.shop.replica import Shop
from marts_platform_tests.shop.topic import EVENT, Topic, event, numbered


def test_an_event_arrives_with_its_types_and_its_place(topic: Topic) -> None:
    topic.write([event()], timestamp=1_772_366_400_123)
    topic.load()
    columns = "kafka_topic, kafka_partition, kafka_epoch, kafka_offset, kafka_time, event_type, user_id"
    assert topic.warehouse.one(f"SELECT {columns} FROM shop.kafka_events") == (
        topic.name, 0, 0, 0, datetime(2026, 3, 1, 12, 0, 0, 123_000, UTC), "click", 7,
    )  # fmt: skip
    assert topic.warehouse.one("SELECT timestamp, page_url, host(ip_address) FROM shop.kafka_events") == (
        datetime(2026, 3, 1, 12, 0, 0, 1, UTC), EVENT["page_url"], EVENT["ip_address"],
    )  # fmt: skip


def test_a_run_reads_what_came_and_nothing_again(topic: Topic) -> None:
    # The original reads the topic from its start each time, and appends it all again.
    topic.write(numbered(range(3)))
    assert topic.load().figures.rows_written == 3
    topic.write(numbered(range(3, 5)))
    assert topic.load().figures.rows_read == 2
    assert topic.load().figures.rows_read == 0
    assert topic.pages() == ["0", "1", "2", "3", "4"]
    assert topic.balance()


def test_all_partitions_are_read_and_a_new_one_joins(absent_topic: Topic) -> None:
    absent_topic.create(partitions=3)
    for partition in range(3):
        absent_topic.write(numbered(range(10 * partition, 10 * partition + 2)), partition)
    absent_topic.load()
    assert absent_topic.pages() == ["0", "1", "10", "11", "20", "21"]
    positions = absent_topic.warehouse.rows(
        "SELECT partition, epoch, next_offset FROM ops.stream_positions ORDER BY 1"
    )
    assert positions == [(0, 0, 2), (1, 0, 2), (2, 0, 2)]


def test_a_timestamp_without_microseconds_is_one(topic: Topic) -> None:
    # The original's pattern wants six digits, and makes NULL of the others.
    times = ["2026-03-01T12:00:00", "2026-03-01T12:00:00.5", "2026-03-01T12:00:00.123456"]
    topic.write([event(timestamp=time) for time in times])
    topic.load()
    read = topic.warehouse.rows("SELECT timestamp FROM shop.kafka_events ORDER BY kafka_offset")
    assert read == [(datetime.fromisoformat(time).replace(tzinfo=UTC),) for time in times]


@pytest.mark.parametrize(
    ("zone", "time", "moment"),
    [
        ("Europe/Moscow", "2026-03-01T12:00:00", datetime(2026, 3, 1, 9, tzinfo=UTC)),
        ("America/New_York", "2026-07-01T12:00:00", datetime(2026, 7, 1, 16, tzinfo=UTC)),
        # Who names an offset means it.
        ("Europe/Moscow", "2026-03-01T12:00:00+05:30", datetime(2026, 3, 1, 6, 30, tzinfo=UTC)),
        ("Europe/Moscow", "2026-03-01T12:00:00.5Z", datetime(2026, 3, 1, 12, 0, 0, 500_000, UTC)),
    ],
)
def test_the_zone_of_the_producer_is_a_setting(
    topic: Topic, monkeypatch: pytest.MonkeyPatch, zone: str, time: str, moment: datetime
) -> None:
    monkeypatch.setenv("MARTS_SHOP_EVENTS_TIMEZONE", zone)
    topic.write([event(timestamp=time)])
    topic.load()
    assert topic.warehouse.one("SELECT timestamp FROM shop.kafka_events") == moment


def users_check() -> Finding:
    """What the check of the events' users finds, as a run asks it."""
    return newest_users_are_known(Slice(), {"postgres": PostgresIOManager()})


def test_the_users_of_the_newest_events_are_compared_with_the_shops(topic: Topic, shop: Shop) -> None:
    known = [user for user, *_ in shop.at_source("users")[:2]]
    topic.write([event(user_id=user) for user in known])
    topic.load()
    assert users_check() == Finding(
        True, {"users": 2, "users_unknown": 0, "events": 2, "events_of_unknown_users": 0}
    )
    topic.write([event(user_id=2_000_000_000)] * 3)
    topic.load()
    assert users_check() == Finding(
        False, {"users": 3, "users_unknown": 1, "events": 5, "events_of_unknown_users": 3}
    )
    # Years of events later these are not looked at any more.
    topic.warehouse.rows("UPDATE ops.stream_positions SET next_offset = next_offset + 10000")
    assert users_check().passed
    assert users_check().figures["events"] == 0


def test_where_only_kafka_is_configured_the_users_are_not_asked_for(
    topic: Topic, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    topic.write([event()])
    topic.load()
    # No embedded stack stands in for what is not set.
    monkeypatch.setenv("MARTS_HOME", str(tmp_path))
    found = users_check()
    assert found.passed
    assert "MARTS_SHOP_URL is not set" in found.figures["note"]


MALFORMED: list[tuple[bytes | None, str, str | None]] = [
    (b"{", "no JSON", "{"),
    (b"", "no JSON", ""),
    (b"NaN", "no JSON", "NaN"),
    (b"[1]", "no JSON object", "[1]"),
    (b"null", "no JSON object", "null"),
    (b"\xff\xfe{}", "no UTF-8 text", r"\xfffe7b7d"),
    (b"a\x00b", "no UTF-8 text", r"\x610062"),
    (None, "no value", None),
    (b'{"event_type": "\\u0000"}', "no JSON", '{"event_type": "\\u0000"}'),
    (b'{"event_type": "\\ud800"}', "no JSON", '{"event_type": "\\ud800"}'),
    (b'{"event_type": 1e999999}', "no JSON", '{"event_type": 1e999999}'),
    (b'{"event_type": "\xed\xa0\x80"}', "no UTF-8 text", r"\x7b226576656e745f74797065223a2022eda080227d"),
    # Deeper than the server's stack: it must not fail the load, now and each time again.
    (b"[" * 60_000, "no JSON", "[" * 60_000),
    *(
        (value := event(**changes), f"{field} is missing or {what}", value.decode())
        for field, what, changes in [
            ("event_type", "no text", {"event_type": None}),
            ("event_type", "no text", {"event_type": 3}),
            ("event_type", "no text", {"event_type": ""}),
            ("user_id", "no whole number", {"user_id": None}),
            ("user_id", "no whole number", {"user_id": "seven"}),
            ("user_id", "no whole number", {"user_id": 7.5}),
            ("user_id", "no whole number", {"user_id": 2**31}),
            ("user_id", "no whole number", {"user_id": -1}),
            ("timestamp", "no ISO time", {"timestamp": None}),
            ("timestamp", "no ISO time", {"timestamp": "yesterday"}),
            ("timestamp", "no ISO time", {"timestamp": "2026-02-30T12:00:00"}),
            ("timestamp", "no ISO time", {"timestamp": "2026-03-01 12:00:00"}),
            ("timestamp", "no ISO time", {"timestamp": "2026-03-01T12:00:00.1234567"}),
            ("timestamp", "no ISO time", {"timestamp": "2026-03-01T24:00:00"}),
            ("timestamp", "no ISO time", {"timestamp": 1_772_366_400}),
            ("page_url", "no text", {"page_url": None}),
            ("page_url", "no text", {"page_url": {}}),
            ("ip_address", "no address", {"ip_address": None}),
            ("ip_address", "no address", {"ip_address": "300.1.1.1"}),
            ("ip_address", "no address", {"ip_address": "192.0.2.0/24"}),
        ]
    ),
]


def test_what_is_no_event_stands_in_quarantine_whole_and_the_others_arrive(topic: Topic) -> None:
    # The original appends a row of NULLs for each.
    topic.write([value for malformed, *_ in MALFORMED for value in (malformed, event())])
    figures = topic.load().figures
    assert (figures.rows_read, figures.rows_quarantined) == (2 * len(MALFORMED), len(MALFORMED))
    assert topic.quarantine() == [(reason, payload) for _, reason, payload in MALFORMED]
    assert len(topic.pages()) == len(MALFORMED)
    assert topic.balance()


def test_what_stands_in_quarantine_stays_while_other_messages_come(topic: Topic) -> None:
    topic.write([b"{", event()])
    topic.load()
    topic.write([b"[]", event()])
    topic.load()
    assert [reason for reason, _ in topic.quarantine()] == ["no JSON", "no JSON object"]


def test_a_replay_after_a_fix_publishes_what_is_good_now(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = [("trace", b"\x00\xff"), ("kind", b"text"), ("none", None)]
    topic.write([event(user_id="seven"), b"\xff", event()], key=b"\x00k", headers=headers, timestamp=1_000)
    before = topic.load()
    log = topic.warehouse.one("SELECT fingerprint FROM ops.etl_run_log")
    assert topic.replay().figures.rows_written == 0
    assert len(topic.quarantine()) == 2
    # The fix: as if whoever looked at it had repaired the payload.
    topic.warehouse.rows("UPDATE ops.quarantine SET payload = replace(payload, '\"seven\"', '8')")
    figures = topic.replay().figures
    assert (figures.rows_read, figures.rows_written, figures.rows_quarantined) == (2, 1, 1)
    assert topic.warehouse.rows("SELECT user_id, kafka_offset FROM shop.kafka_events ORDER BY 2") == [
        (8, 0), (7, 2),
    ]  # fmt: skip
    assert [reason for reason, _ in topic.quarantine()] == ["no UTF-8 text"]
    assert topic.warehouse.one("SELECT kafka_time FROM shop.kafka_events WHERE kafka_offset = 0") == datetime(
        1970, 1, 1, 0, 0, 1, tzinfo=UTC
    )
    # Nothing was read of the source, so nothing is pending there, and nothing comes twice.
    assert set(topic.warehouse.log("fingerprint")) == {log}
    assert topic.replay().figures.rows_written == topic.load().figures.rows_read == 0
    assert before.figures.rows_read == 3
    assert topic.balance()


def test_a_message_that_was_no_text_is_repaired_by_the_text_in_its_place(topic: Topic) -> None:
    topic.write([b"\xff" + event(), b"\xff", b"\xfe", None])
    topic.load()
    repaired = event(page_url="https://shop.example/back\\slash").decode()
    for payload in (repaired, r"\xno bytes"):
        topic.warehouse.rows(
            "UPDATE ops.quarantine SET payload = %s WHERE id = "
            "(SELECT min(id) FROM ops.quarantine WHERE starts_with(payload, '\\xff'))",
            payload,
        )
    figures = topic.replay().figures
    assert (figures.rows_read, figures.rows_written, figures.rows_quarantined) == (4, 1, 3)
    assert topic.pages() == ["back\\slash"]
    assert topic.quarantine() == [
        ("no JSON", r"\xno bytes"), ("no UTF-8 text", r"\xfe"), ("no value", None),
    ]  # fmt: skip
    assert topic.balance()


def test_the_command_replays_what_has_a_landing_and_refuses_the_rest(
    topic: Topic, ephemeral_instance: DagsterInstance
) -> None:
    topic.write([event(user_id="seven"), b"{"])
    topic.load()
    topic.warehouse.rows("UPDATE ops.quarantine SET payload = replace(payload, '\"seven\"', '8')")
    (result,) = materialize(replayable(ASSET), ephemeral_instance, with_checks=False, is_replay=True)
    assert (result.asset, result.rows) == (ASSET, 1)
    assert [reason for reason, _ in topic.quarantine()] == ["no JSON"]
    for selection in ("camunda/act_hi_detail", "camunda"):
        with pytest.raises(SelectionError, match=f"{selection} has no rows to replay"):
            replayable(selection)


def test_headers_and_keys_are_kept_for_a_replay(topic: Topic) -> None:
    topic.write([b"{"], key=b"\x00k", headers=[("trace", b"\x00\xff"), ("kind", b"text"), ("none", None)])
    topic.load()
    context = topic.warehouse.one("SELECT context FROM ops.quarantine")
    assert context["kafka_key"] == r"\x006b"
    assert context["kafka_headers"] == [["trace", r"\x00ff"], ["kind", "text"], ["none", None]]


def test_messages_with_undecodable_parts_arrive_or_stand_whole(topic: Topic) -> None:
    """Other languages' clients write names of headers that are no UTF-8; the reader stopped there."""
    headers = [(b"good", b"1"), (b"\xff\xfe", b"\xff"), (b"", None), (b"good", b"\x00")]
    records = [
        Record(event(), b"\xff\x00", headers),
        Record(b"{", b"\xff\x00", headers),
        Record(None, None, headers),
    ]
    kafka_wire.produce(topic.bootstrap, topic.name, [*records, Record(event())])
    figures = topic.load().figures
    assert (figures.rows_read, figures.rows_written, figures.rows_quarantined) == (4, 2, 2)
    assert topic.quarantine() == [("no JSON", "{"), ("no value", None)]
    stood = [["good", "1"], [r"\xfffe", r"\xff"], ["", None], ["good", r"\x00"]]
    contexts = topic.warehouse.rows("SELECT context FROM ops.quarantine ORDER BY source_key")
    assert [context["kafka_headers"] for (context,) in contexts] == [stood, stood]
    assert [context["kafka_key"] for (context,) in contexts] == [r"\xff00", None]
    topic.warehouse.rows("UPDATE ops.quarantine SET payload = %s", event().decode())
    assert topic.replay().figures.rows_written == 2
    assert topic.load().figures.rows_read == 0


def test_several_undecodable_names_of_headers_keep_their_values(topic: Topic) -> None:
    headers = [(b"\xff", b"1"), (b"name", b"2"), (b"\xfe", b"3")]
    kafka_wire.produce(topic.bootstrap, topic.name, [Record(b"{", None, headers)])
    topic.load()
    context = topic.warehouse.one("SELECT context FROM ops.quarantine")
    assert context["kafka_headers"] == [[None, "1"], ["name", "2"], [None, "3"]]


@pytest.mark.parametrize("milliseconds", [-1, -(2**62), 2**62, 253_402_300_800_000])
def test_message_with_an_impossible_time_arrives(topic: Topic, milliseconds: int) -> None:
    kafka_wire.produce(topic.bootstrap, topic.name, [Record(event())], milliseconds)
    topic.load()
    assert topic.warehouse.rows("SELECT kafka_time FROM shop.kafka_events") == [(None,)]


def test_huge_message_that_is_no_text_stands_whole(topic: Topic) -> None:
    producer = Producer({"bootstrap.servers": topic.bootstrap, "message.max.bytes": 50_000_000})
    producer.produce(topic.name, b"\xff" * 8_000_000, key=b"k" * 500_000, partition=0)
    assert producer.flush(20) == 0
    topic.write([event()])
    assert topic.load().figures.rows_written == 1
    assert topic.warehouse.one("SELECT length(payload) FROM ops.quarantine") == 16_000_002


def test_event_with_repeated_names_and_further_fields_arrives(topic: Topic) -> None:
    """JSON's last value of a name holds, in every engine; what nobody asked for is left alone."""
    nested = b'"further": ' + b"[" * 500 + b"]" * 500 + b', "number": 1e400'
    topic.write([b'{"event_type": "x", "user_id": 1, ' + nested + b", " + event()[1:]])
    topic.load()
    assert topic.warehouse.one("SELECT event_type, user_id FROM shop.kafka_events") == ("click", 7)


def test_events_of_no_day_are_counted_and_named(topic: Topic) -> None:
    whole = Window.of_days(settings.load().start, datetime.now(UTC).date() + timedelta(days=1))
    topic.write([event(), event(timestamp="0001-01-01T00:00:00"), event(timestamp="9999-12-31T23:59:59")])
    topic.load()
    assert undated_events(PostgresIOManager(), whole) == Outside(
        2, f"{topic.name}/0/0/1", "0001-01-01 00:00:00+00", "9999-12-31 23:59:59+00"
    )
    topic.warehouse.rows("DELETE FROM shop.kafka_events WHERE kafka_offset > 0")
    assert undated_events(PostgresIOManager(), whole) == Outside(0)


def test_nothing_is_pending_after_a_complete_read(topic: Topic) -> None:
    def state() -> tuple[bool, str | None]:
        told = topic.source.source_state(ASSET, [Slice()])
        return None in told.with_rows, told.fingerprints.get(None)

    assert state() == (False, None)
    topic.write(numbered(range(2)))
    topic.load()
    assert state() == (True, topic.warehouse.one("SELECT fingerprint FROM ops.etl_run_log"))
    topic.write(numbered(range(2, 3)))
    assert state()[1] != topic.warehouse.one("SELECT fingerprint FROM ops.etl_run_log")


def test_a_topic_that_is_not_there_is_said_and_nothing_is_pending(absent_topic: Topic) -> None:
    outcome = absent_topic.load()
    assert outcome.warnings == [missing(absent_topic.name)]
    state = absent_topic.source.source_state(ASSET, [Slice()])
    assert (state.with_rows, list(state.warnings)) == (frozenset(), [missing(absent_topic.name)])


def missing(topic: str) -> str:
    return f"the topic {topic} (MARTS_SHOP_EVENTS_TOPIC) does not exist, so nothing is read of it"


def test_read_before_the_topic_exists_reads_it_later(absent_topic: Topic) -> None:
    """A success that found no topic stored no position, and has lost none."""
    absent_topic.load()
    assert absent_topic.load().figures.rows_read == 0
    absent_topic.create()
    absent_topic.write(numbered(range(2)))
    assert absent_topic.load().figures.rows_written == 2
    absent_topic.write(numbered(range(2, 3)))
    assert absent_topic.load().figures.rows_written == 1
    assert absent_topic.pages() == ["0", "1", "2"]


def test_read_after_the_topic_is_gone_knows_lost_positions(topic: Topic) -> None:
    topic.write(numbered(range(2)))
    topic.load()
    topic.delete()
    topic.load()
    topic.warehouse.rows("DELETE FROM ops.stream_positions")
    topic.create()
    with pytest.raises(PositionsLostError, match=f"{topic.name}, partition 0"):
        topic.load()


def test_lost_positions_stop_the_reader(topic: Topic) -> None:
    topic.write(numbered(range(2)))
    topic.load()
    topic.warehouse.rows("DELETE FROM ops.stream_positions")
    with pytest.raises(
        PositionsLostError,
        match=f"{ASSET} was loaded .* does not say where its reader stands in {topic.name}",
    ):
        topic.load()
    assert topic.pages() == ["0", "1"]
