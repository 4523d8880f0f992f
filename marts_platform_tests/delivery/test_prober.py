"""The demo's prober: what it counted follows from the time alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from marts_platform.delivery.demo.prober import samples
from marts_platform.delivery.metrics import METRICS

START = datetime(2024, 3, 1, 12, tzinfo=UTC)


def test_a_history_in_pieces_is_the_same_history() -> None:
    whole = list(samples(START, START + timedelta(days=1)))
    cuts = [
        START,
        START + timedelta(hours=5, seconds=7),
        START + timedelta(hours=17),
        START + timedelta(days=1),
    ]
    pieces = [line for first, end in zip(cuts, cuts[1:], strict=False) for line in samples(first, end)]
    assert pieces == whole
    assert len(whole) == len(METRICS) * 2880


def test_it_has_every_metric_and_its_counters_restart_at_night_only() -> None:
    values: dict[str, list[tuple[int, float]]] = {}
    for line in samples(START, START + timedelta(days=1)):
        name, value, at = line.split(" ")
        values.setdefault(name.partition("{")[0], []).append((int(at), float(value)))
    assert set(values) == set(METRICS)
    made, well, badly = (values[f"prober_create_orders{end}_total"] for end in ("", "_success", "_fail"))
    for (_, total), (_, succeeded), (_, failed) in zip(made, well, badly, strict=True):
        assert total == succeeded + failed
    falls = [after[0] for before, after in zip(made, made[1:], strict=False) if after[1] < before[1]]
    assert falls == [round((START + timedelta(hours=15, minutes=17)).timestamp()) * 1000]
    assert badly[-1][1] > 0
