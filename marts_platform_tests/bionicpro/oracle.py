"""The marts in plain Python, by what they promise: nothing here is shared with the platform."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from math import fsum, isfinite
from typing import Any

Row = dict[str, Any]


def float32(value: float) -> float:
    """The nearest number that a Float32 holds."""
    return struct.unpack("f", struct.pack("f", value))[0]


def finite(values: Iterable[float | None]) -> list[float]:
    """The measured ones."""
    return [value for value in values if value is not None and isfinite(value)]


def mean(values: Sequence[float]) -> float | None:
    return fsum(values) / len(values) if values else None


def figures(actions: Sequence[Row], rounded: Callable[[float], float]) -> Row:
    """What reports and summary have in common, of one group of actions."""
    responses = finite(row["response_time_ms"] for row in actions)
    batteries = finite(row["battery_level"] for row in actions)
    durations = [
        row["duration_seconds"]
        for row in actions
        if row["duration_seconds"] is not None and row["duration_seconds"] >= 0
    ]
    average = mean(responses)
    hours = sum(durations) / 3600.0
    kinds = [row["action_type"] for row in actions]
    return {
        "total_actions": len(actions),
        "avg_response_time": rounded(average or 0.0),
        "max_response_time": rounded(max(responses, default=0.0)),
        "min_response_time": rounded(min(responses, default=0.0)),
        "grasp_count": kinds.count("grasp"),
        "release_count": kinds.count("release"),
        "flex_count": kinds.count("flex"),
        "avg_battery_level": rounded(mean(batteries) or 0.0),
        "min_battery_level": rounded(min(batteries, default=0.0)),
        "total_usage_seconds": sum(durations),
        "usage_hours": rounded(hours),
        "actions_per_hour": rounded(len(actions) / hours if hours > 0 else 0.0),
        "efficiency_score": rounded(0.0 if average is None else max(0.0, min(100.0, 100 - average / 10))),
        "response_time_samples": len(responses),
        "battery_level_samples": len(batteries),
        "usage_samples": len(durations),
    }


def chosen(customers: Sequence[Row]) -> dict[int, Row]:
    """One record a user: of the latest order, then the first in the alphabet; what is missing comes last."""

    def order(record: Row) -> tuple[Any, ...]:
        texts = [record.get(name) for name in ("email", "first_name", "last_name", "status")]
        ordered = record.get("order_date")
        age = -date.fromisoformat(ordered).toordinal() if ordered else 0
        return (ordered is None, age, *((text is None, text or "") for text in texts))

    found: dict[int, Row] = {}
    for record in sorted(customers, key=order):
        found.setdefault(record["user_id"], record)
    return found


def reports(actions: Sequence[Row], customers: Sequence[Row], taken_at: datetime | None) -> list[Row]:
    """The mart's rows of all days, in the order of its key; times are in UTC."""
    groups: defaultdict[tuple[int, date, str], list[Row]] = defaultdict(list)
    for row in actions:
        if row["user_id"] >= 0:
            groups[row["user_id"], row["created_at"].date(), row["prosthesis_id"]].append(row)
    known = chosen(customers)
    found: list[Row] = []
    for (user, day, prosthesis), group in sorted(groups.items()):
        record = known.get(user, {})
        ordered = record.get("order_date")
        found.append({
            "user_id": user,
            "email": record.get("email") or "",
            "first_name": record.get("first_name") or "",
            "last_name": record.get("last_name") or "",
            "prosthesis_id": prosthesis,
            "report_date": day,
            **figures(group, float32),
            "order_date": date.fromisoformat(ordered) if ordered else date(1970, 1, 1),
            "status": "unknown" if record.get("status") is None else record["status"],
            "is_in_crm": user in known,
            "has_order_date": ordered is not None,
            "crm_taken_at": taken_at,
        })  # fmt: skip
    return found


def summary(actions: Sequence[Row]) -> list[Row]:
    """The summary's rows, in the order of its key."""
    groups: defaultdict[tuple[int, date], list[Row]] = defaultdict(list)
    for row in actions:
        if row["user_id"] >= 0:
            groups[row["user_id"], row["created_at"].date()].append(row)
    found: list[Row] = []
    for (user, day), group in sorted(groups.items()):
        row = figures(group, lambda value: value)
        del row["usage_samples"]
        prostheses = len({action["prosthesis_id"] for action in group})
        found.append({"user_id": user, "report_date": day, "prostheses": prostheses, **row})
    return found
