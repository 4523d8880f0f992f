"""Kafka as a source: bounded reads from stored positions, and the state of topics for sensors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.core.path import Extract, Landing
from marts_platform.core.pending import SourceState
from marts_platform.core.streams import Position, position_after, readings_of, state_of
from marts_platform.resources.kafka_client import connected, logs_of
from marts_platform.resources.kafka_stream import KafkaStream

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from marts_platform.core.pending import Key
    from marts_platform.core.streams import Place
    from marts_platform.core.window import Slice


def messages(typed: str, params: Callable[[], Mapping[str, object]] = dict) -> Landing:
    """How messages become an asset's rows.

    Args:
        typed: an SQL file that selects from ``{landed}`` the table's columns, ``place`` and ``reason``.
        params: gives the values that it takes.
    """
    return Landing("kafka/landed.sql", typed, "kafka/rejected.sql", "kafka/replayed.sql", params)


class KafkaSource(dg.ConfigurableResource[Any]):
    """The topics of ``MARTS_KAFKA_BOOTSTRAP``.

    Attributes:
        topics: by asset, the names of the settings that name the topics it reads.
    """

    topics: dict[str, list[str]]

    def topics_of(self, asset: str) -> list[str]:
        """The topics that an asset reads."""
        now = settings.load()
        return [getattr(now, name) for name in self.topics[asset]]

    def read(self, asset: str, stored: Mapping[Place, Position]) -> Extract:
        """What came since the stored positions, up to the ends of this moment.

        Args:
            asset: who reads.
            stored: where it stands.

        Raises:
            KafkaUnavailableError: the broker does not answer.
        """
        topics = self.topics_of(asset)
        last_offsets = {
            place: position.last_offset
            for place, position in stored.items()
            if position.last_offset is not None
        }
        with connected() as client:
            logs, absent = logs_of(client, topics, last_offsets)
        readings = readings_of(stored, logs)
        stream = KafkaStream(readings)

        def positions() -> Iterator[Position]:
            now = datetime.now(UTC)
            for reading in readings:
                place = reading.place
                yield position_after(reading, stored.get(place), stream.last.get(place), now)

        said = [
            f"{reading.place.topic}, partition {reading.place.partition}: {reading.incident}"
            for reading in readings
            if reading.incident
        ]
        said += self._missing(asset, absent)
        return Extract(
            rows=stream, warnings=said, fingerprint=state_of(logs, absent) or None, positions=positions
        )

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Collection[Key] = ()
    ) -> SourceState:
        """The ends of an asset's topics; of a topic that is not there, or was never written, nothing."""
        with connected() as client:
            logs, absent = logs_of(client, self.topics_of(asset), {})
        missing = self._missing(asset, absent)
        if not any(log.end for log in logs):
            return SourceState(frozenset(), {}, "", warnings=missing)
        state = state_of(logs, absent)
        return SourceState({None}, {slice_.partition_key: state for slice_ in slices}, "", warnings=missing)

    def _missing(self, asset: str, absent: Collection[str]) -> list[str]:
        """Return a sentence on each topic that does not exist."""
        variables = {
            topic: settings.variable(name)
            for topic, name in zip(self.topics_of(asset), self.topics[asset], strict=True)
        }
        return [
            f"the topic {topic} ({variables[topic]}) does not exist, so nothing is read of it"
            for topic in absent
        ]
