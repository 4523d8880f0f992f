"""What a reader of a log reads next, and what it notices, decided without a broker."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from marts_platform.core.checks import recent_incidents
from marts_platform.core.streams import (
    Log,
    Place,
    Position,
    Reading,
    places_of,
    position_after,
    reading_of,
    readings_of,
    state_of,
)

PLACE = Place("t", 0)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
STOOD = Position(PLACE, 2, 10, "id", 9, "digest")
LOG = Log(PLACE, "id", 0, 15, "digest")


def test_a_reader_goes_on_where_it_stood() -> None:
    assert reading_of(STOOD, LOG) == Reading(PLACE, "id", 2, 10, 15)


def test_a_reader_that_never_read_begins_at_the_first_message_there_is() -> None:
    assert reading_of(None, replace(LOG, first=4)) == Reading(PLACE, "id", 0, 4, 15)


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (replace(LOG, log_id="other"), "made anew"),
        # Its id is another one, though it has grown past where the reader stood, with the same last message.
        (replace(LOG, log_id="other", end=99), "made anew"),
        (replace(LOG, end=9), "ends at offset 9 and was read up to 10"),
        (replace(LOG, end=0, digest=None), "ends at offset 0"),
        (replace(LOG, digest="another"), "another message stands at offset 9"),
        # A broker that tells no ids.
        (replace(LOG, log_id="", digest="another"), "another message"),
    ],
)
def test_another_log_is_read_from_its_beginning_in_an_epoch_of_its_own(log: Log, said: str) -> None:
    reading = reading_of(STOOD, replace(log, first=3))
    assert (reading.epoch, reading.start, reading.end) == (3, 3, log.end)
    assert reading.incident is not None and said in reading.incident


@pytest.mark.parametrize(
    "log",
    [
        replace(LOG, digest=None),  # retention or compaction took the last message
        replace(LOG, log_id=""),
        replace(LOG, end=10),
        replace(LOG, first=10, digest=None),
    ],
)
def test_the_same_log_is_taken_for_it(log: Log) -> None:
    assert reading_of(STOOD, log) == Reading(PLACE, "id", 2, 10, log.end)


def test_an_id_that_the_broker_tells_only_now_is_kept() -> None:
    assert reading_of(replace(STOOD, log_id=""), LOG) == Reading(PLACE, "id", 2, 10, 15)


def test_retention_that_overtook_the_reader_is_said_with_what_is_lost() -> None:
    reading = reading_of(STOOD, replace(LOG, first=13, digest=None))
    assert (reading.epoch, reading.start) == (2, 13)
    assert reading.incident is not None
    assert "up to 3 messages, offsets 10 to 12, were deleted before they were read" in reading.incident


def test_a_new_partition_joins_its_topics_newest_epoch() -> None:
    new, elsewhere = Log(Place("t", 1), "id", 0, 4), Log(Place("u", 0), "id", 0, 4)
    readings = {
        reading.place: reading.epoch for reading in readings_of({PLACE: STOOD}, [new, LOG, elsewhere])
    }
    assert readings == {PLACE: 2, Place("t", 1): 2, Place("u", 0): 0}


def test_a_position_after_a_reading_keeps_what_nothing_replaced() -> None:
    reading = Reading(PLACE, "id", 2, 10, 15)
    assert position_after(reading, STOOD, (14, "d"), NOW) == Position(PLACE, 2, 15, "id", 14, "d")
    # Nothing but marks of transactions came.
    assert position_after(reading, STOOD, None, NOW) == Position(PLACE, 2, 15, "id", 9, "digest")


def test_a_position_in_another_log_forgets_the_last_message_and_keeps_the_incident() -> None:
    reading = Reading(PLACE, "other", 3, 0, 0, "why")
    position = position_after(reading, STOOD, None, NOW)
    assert position == Position(PLACE, 3, 0, "other", None, None, "why", NOW)
    later = position_after(Reading(PLACE, "other", 3, 0, 5), position, (4, "d"), NOW + timedelta(days=1))
    assert (later.incident, later.incident_at) == ("why", NOW)


def test_a_state_tells_ends_ids_and_absences_apart() -> None:
    states = {
        state_of(logs, absent)
        for logs, absent in [
            ([LOG], []),
            ([replace(LOG, end=16)], []),
            ([replace(LOG, log_id="other")], []),
            ([replace(LOG, place=Place("t", 1))], []),
            ([LOG], ["u"]),
            ([], ["t"]),
        ]
    }
    assert len(states) == 6
    others = [Log(Place("t", number), "id", 0, number) for number in (10, 2)]
    assert state_of(others) == state_of(reversed(others)) == "t id 2=2 10=10"


def test_places_of_a_state_are_the_partitions_that_it_names() -> None:
    logs = [LOG, Log(Place("t", 1), "id", 0, 0), Log(Place("u", 2), "", 0, 4)]
    assert places_of(state_of(logs, ["v"])) == {PLACE, Place("t", 1), Place("u", 2)}
    assert places_of(state_of([], ["v", "w"])) == places_of(None) == set()


def test_the_check_tells_of_an_incident_for_a_week() -> None:
    position = replace(STOOD, incident="why", incident_at=NOW)
    assert recent_incidents([STOOD], NOW).passed
    found = recent_incidents([STOOD, position], NOW + timedelta(days=6))
    assert not found.passed
    assert found.figures == {
        "partitions": 2, "newest_epoch": 2, "incidents": "t, partition 0, 2026-03-01 00:00 UTC: why",
    }  # fmt: skip
    assert recent_incidents([position], NOW + timedelta(days=8)).passed
