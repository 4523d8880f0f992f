"""What is asked of a Kafka broker before anything is read: which logs there are, from where to where."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from marts_platform import settings
from marts_platform.core.faults import PassingFault
from marts_platform.core.streams import Log, Place

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from confluent_kafka import Consumer, KafkaError, Message
    from confluent_kafka.admin import AdminClient

_log = logging.getLogger(__name__)

# A message of 1 MiB is the broker's own limit; so many of them wait in memory at most.
_QUEUED_KILOBYTES = 16_384
# How long the fetch that tells an end may go on where messages keep coming.
_BUSY_SECONDS = 2.0
_HELP = "`marts up kafka` starts the embedded one, `marts status` lists all servers"
# Of syslog's levels, as librdkafka counts them. MARTS_KAFKA_OPTIONS may ask for more: log_level=7 debug=all.
_CRITICAL = 2
_NO_TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAA"


class KafkaUnavailableError(PassingFault, settings.ExpectedError):
    """The broker is away, or the log changed under the reader: worth another try."""


class KafkaRefusedError(settings.ExpectedError):
    """The broker refuses, for a reason that does not pass; the message says which."""


class KafkaClient:
    """A connection to the brokers of ``MARTS_KAFKA_BOOTSTRAP``: no consumer group, nothing committed.

    Attributes:
        consumer: assigned by hand.
        timeout: seconds in which the broker has to answer.
    """

    def __init__(self) -> None:
        from confluent_kafka import Consumer
        from confluent_kafka import KafkaException as Refused

        now = settings.load()
        if now.kafka_bootstrap is None:
            raise settings.SettingsError(
                f"MARTS_KAFKA_BOOTSTRAP is not set and no embedded broker runs in {settings.home()}. "
                f"Set it, or start the embedded stack with `marts up`."
            )
        self._bootstrap = now.kafka_bootstrap
        self._options = now.kafka_client_options
        self._last_error: KafkaError | None = None
        self.timeout = now.kafka_timeout_seconds
        try:
            self.consumer: Consumer = Consumer(self._consumer_options(), logger=_log)
        except Refused as error:
            raise settings.SettingsError(f"MARTS_KAFKA_OPTIONS: {self._without_secrets(error)}") from None

    def _consumer_options(self) -> dict[str, Any]:
        return {
            **self._common_options(),
            # Every consumer has to name a group; with partitions assigned by hand it never joins it.
            "group.id": "marts_platform",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            # An offset that is not there is a fault, never a reason to begin somewhere else.
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "allow.auto.create.topics": False,
            "queued.max.messages.kbytes": _QUEUED_KILOBYTES,
            "fetch.wait.max.ms": 100,
        }

    def _common_options(self) -> dict[str, Any]:
        return {
            "bootstrap.servers": self._bootstrap,
            "client.id": "marts_platform",
            "error_cb": self._note,
            "socket.timeout.ms": max(int(self.timeout * 1000), 1000),
            "reconnect.backoff.max.ms": 1000,
            # Each try to connect to a broker that is away is an error line; `fault` tells the reason once.
            "log_level": _CRITICAL,
            **self._options,
        }

    def _note(self, error: KafkaError) -> None:
        from confluent_kafka import KafkaError as Codes

        # It follows each broker's own error, and gives no reason.
        if error.code() != Codes._ALL_BROKERS_DOWN or self._last_error is None:
            self._last_error = error

    def _without_secrets(self, error: object) -> str:
        text = str(error)
        for value in self._options.values():
            text = text.replace(value, "****")
        return text

    @cached_property
    def admin(self) -> AdminClient:
        """A client for questions about topics; it has to outlive the answers that are waited for."""
        from confluent_kafka.admin import AdminClient

        return AdminClient(self._common_options(), logger=_log)

    def close(self) -> None:
        """Leaves the broker."""
        self.consumer.close()

    def fault(self, error: KafkaError | None, doing: str) -> Exception:
        """What to raise for an error of the broker or of the client; None: it did not answer in time."""
        from confluent_kafka import KafkaError as Codes

        if error is None or error.code() == Codes._TIMED_OUT:
            # The client tells why it has no connection to whoever polls it.
            self.consumer.poll(0)
        told = error if error is not None else self._last_error
        where = f"Kafka at {self._bootstrap} (MARTS_KAFKA_BOOTSTRAP), {doing}"
        reason = told.str() if told else f"no answer within {self.timeout:g} s"
        last = self._last_error.code() if self._last_error else None
        if self._last_error and told is not self._last_error and told and told.code() == Codes._TIMED_OUT:
            # The wait is not the reason: a name that is unknown, a refused connection.
            reason = f"{reason} ({self._last_error.str()})"
        reason = self._without_secrets(reason)
        if Codes._AUTHENTICATION in (last, told.code() if told else None):
            return KafkaRefusedError(f"{where}: {reason}; see MARTS_KAFKA_OPTIONS in `marts status`")
        passing = {
            Codes._TRANSPORT, Codes._ALL_BROKERS_DOWN, Codes._TIMED_OUT, Codes._RESOLVE,
            Codes._AUTO_OFFSET_RESET, Codes._LOG_TRUNCATION, Codes._UNKNOWN_PARTITION, Codes._UNKNOWN_TOPIC,
            Codes.OFFSET_OUT_OF_RANGE, Codes.UNKNOWN_TOPIC_OR_PART, Codes.UNKNOWN_TOPIC_ID,
        }  # fmt: skip
        if told is None or told.retriable() or told.code() in passing:
            return KafkaUnavailableError(f"{where}: {reason}; is the broker up? {_HELP}")
        return KafkaRefusedError(f"{where}: {reason}; see MARTS_KAFKA_BOOTSTRAP in `marts status`")


@contextlib.contextmanager
def connected() -> Generator[KafkaClient]:
    """A client, closed at the end; what the broker answers with an error is raised as ours.

    Raises:
        KafkaUnavailableError: it does not answer in time.
        KafkaRefusedError: it refuses.
        SettingsError: the settings name no broker, or cannot be read.
    """
    from confluent_kafka import KafkaException

    client = KafkaClient()
    try:
        yield client
    except KafkaException as error:
        raise client.fault(error.args[0], "asked for its topics") from error
    finally:
        client.close()


def topic_ids(client: KafkaClient, topics: Sequence[str]) -> dict[str, tuple[str, int]]:
    """Id and number of partitions of each topic that is there; the id is '' where the broker has none."""
    from confluent_kafka import KafkaError, KafkaException, TopicCollection

    asked = cast(
        "dict[str, Future[Any]]",
        client.admin.describe_topics(TopicCollection(list(topics)), request_timeout=client.timeout),
    )
    found: dict[str, tuple[str, int]] = {}
    for topic, answer in asked.items():
        try:
            described = answer.result(client.timeout + 1)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise client.fault(error.args[0], f"asked for the topic {topic}") from error
            continue
        told = str(described.topic_id or "")
        found[topic] = ("" if told == _NO_TOPIC_ID else told, len(described.partitions))
    return found


def logs_of(
    client: KafkaClient, topics: Sequence[str], last_offsets: Mapping[Place, int]
) -> tuple[list[Log], list[str]]:
    """The partitions of topics, and which topics are not there.

    Args:
        client: of the broker.
        topics: their names.
        last_offsets: of the messages whose digests are wanted, to tell whether they are still the same.
    """
    there = topic_ids(client, topics)
    ids = {
        Place(topic, number): log_id for topic, (log_id, count) in there.items() for number in range(count)
    }
    firsts, listed = _offsets(client, ids, earliest=True), _offsets(client, ids, earliest=False)
    ends = _true_ends(client, listed)
    logs = [Log(place, ids[place], firsts[place], ends[place]) for place in ids]
    wanted = {
        log.place: last_offsets[log.place]
        for log in logs
        if log.first <= last_offsets.get(log.place, -1) < log.end
    }
    digests = _digests(client, wanted)
    absent = [topic for topic in topics if topic not in there]
    return [replace(log, digest=digests.get(log.place)) for log in logs], absent


def digest_of(message: Message) -> str:
    """What tells a message from another one at the same offset: its time, its key and its value."""
    digest = hashlib.blake2b(repr(message.timestamp()).encode(), digest_size=16)
    for part in (message.key(), message.value()):
        # The length before the bytes: a key's last byte is no value's first.
        digest.update(b"-" if part is None else b"%d:" % len(part))
        digest.update(part or b"")
    return digest.hexdigest()


def place_of(message: Message) -> Place:
    """The partition of a message."""
    topic, number = message.topic(), message.partition()
    assert topic is not None and number is not None  # a consumed message has both
    return Place(topic, number)


def assign(client: KafkaClient, starts: Mapping[Place, int]) -> None:
    """Reads partitions from these offsets on."""
    from confluent_kafka import TopicPartition

    client.consumer.assign([TopicPartition(*place, offset) for place, offset in starts.items()])


def _offsets(client: KafkaClient, places: Iterable[Place], *, earliest: bool) -> dict[Place, int]:
    from confluent_kafka import IsolationLevel, TopicPartition
    from confluent_kafka.admin import OffsetSpec  # pyright: ignore[reportPrivateImportUsage] # the way it says

    spec = OffsetSpec.earliest() if earliest else OffsetSpec.latest()
    assert spec is not None  # its stub is wrong: both are there
    wanted: dict[TopicPartition, OffsetSpec] = {TopicPartition(*place): spec for place in places}
    if not wanted:
        return {}
    asked = cast(
        "dict[TopicPartition, Future[Any]]",
        client.admin.list_offsets(
            wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=client.timeout
        ),
    )
    return {
        Place(at.topic, at.partition): answer.result(client.timeout + 1).offset
        for at, answer in asked.items()
    }


def _true_ends(client: KafkaClient, listed: Mapping[Place, int]) -> dict[Place, int]:
    """The ends of partitions, by a fetch at the ends that the broker lists.

    Tansu 0.6 lists the end of a log as one more than the first offset of its newest batch; what a fetch
    says is right on every broker. Where messages keep coming, some moment's end is taken.

    Raises:
        KafkaUnavailableError: a partition gave nothing in time.
    """
    ends = dict(listed)
    assign(client, listed)
    waiting, heard = set(listed), set[Place]()
    began = time.monotonic()
    while waiting:
        for message in client.consumer.consume(500, timeout=0.1):
            place, offset, is_end = _what_came(client, message)
            heard.add(place)
            ends[place] = max(ends[place], offset if is_end else offset + 1)
            if is_end:
                waiting.discard(place)
        if time.monotonic() - began > _BUSY_SECONDS:
            waiting -= heard
        _refuse_to_wait_longer(client, waiting, began)
    client.consumer.unassign()
    return ends


def _digests(client: KafkaClient, wanted: Mapping[Place, int]) -> dict[Place, str]:
    """The digests of messages; none of one that compaction or a transaction's mark has taken away.

    Raises:
        KafkaUnavailableError: a partition gave nothing in time.
    """
    found: dict[Place, str] = {}
    assign(client, wanted)
    waiting = set(wanted)
    began = time.monotonic()
    while waiting:
        for message in client.consumer.consume(500, timeout=0.1):
            if place_of(message) not in waiting:
                continue  # what follows was fetched with it, and may be a batch that cannot be read
            place, offset, is_end = _what_came(client, message)
            if not is_end and offset == wanted[place]:
                found[place] = digest_of(message)
            waiting.discard(place)
        _refuse_to_wait_longer(client, waiting, began)
    client.consumer.unassign()
    return found


def _what_came(client: KafkaClient, message: Message) -> tuple[Place, int, bool]:
    """Partition and offset of a message, or of the news that the partition ends there."""
    from confluent_kafka import KafkaError

    error, place, offset = message.error(), place_of(message), message.offset()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise client.fault(error, f"reading {place.topic}")
    assert offset is not None
    return place, offset, error is not None


def _refuse_to_wait_longer(client: KafkaClient, waiting: set[Place], began: float) -> None:
    if waiting and time.monotonic() - began > client.timeout:
        raise client.fault(None, f"reading {min(waiting).topic}")
