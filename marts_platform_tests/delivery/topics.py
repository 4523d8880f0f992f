"""The delivery service's topics, written by tests."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from confluent_kafka import Producer

from marts_platform import settings


@dataclass(frozen=True)
class Topics:
    """Two topics of this test's own; the settings name them."""

    bootstrap: str
    results: str
    triggers: str

    @classmethod
    def named(cls, bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> Topics:
        """Puts a broker and two names into the settings."""
        unique = secrets.token_hex(6)
        topics = cls(bootstrap, f"results-{unique}", f"triggers-{unique}")
        monkeypatch.setenv("MARTS_KAFKA_BOOTSTRAP", bootstrap)
        monkeypatch.setenv("MARTS_DELIVERY_RESULTS_TOPIC", topics.results)
        monkeypatch.setenv("MARTS_DELIVERY_TRIGGERS_TOPIC", topics.triggers)
        return topics

    @classmethod
    def of_settings(cls) -> Topics:
        """Those that the settings name."""
        now = settings.load()
        assert now.kafka_bootstrap
        return cls(now.kafka_bootstrap, now.delivery_results_topic, now.delivery_triggers_topic)

    def write(self, topic: str, payloads: Sequence[Any], **options: Any) -> None:
        """Appends payloads, as JSON where they are no bytes; the first message makes the topic."""
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for payload in payloads:
            value = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
            producer.produce(topic, value, partition=0, **options)
        assert producer.flush(20) == 0


def result(number: int, **changes: Any) -> dict[str, Any]:
    """What a stage ended with."""
    return {"stage_id": str(UUID(int=number)), "status": "succeeded", "message": None, **changes}


def trigger(number: int, **changes: Any) -> dict[str, Any]:
    """What asks for a stage."""
    return {"pipeline_id": str(UUID(int=number)), "stage_name": "start_pipeline", **changes}
