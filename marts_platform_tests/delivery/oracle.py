"""What the warehouse has to hold, in plain Python over the service's rows, without the platform's SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

Row = Mapping[str, Any]
Table = list[tuple[Any, ...]]

KEYS = {"order": "id", "pipeline": "id", "stage": "id", "delivery": "pipeline_id"}
MICROSECOND = timedelta(microseconds=1)


@dataclass
class Seen:
    """Every row that the service ever had, as it had it last, by table and key."""

    tables: dict[str, dict[Any, Row]] = field(default_factory=lambda: {table: {} for table in KEYS})

    def look(self, rows: Mapping[str, Collection[Row]]) -> None:
        """Takes in what the service has now."""
        for table, key in KEYS.items():
            self.tables[table] |= {row[key]: row for row in rows[table]}

    def __getitem__(self, table: str) -> Collection[Row]:
        return self.tables[table].values()


def day_of(moment: datetime) -> date:
    """The UTC day."""
    return moment.astimezone(UTC).date()


def hour_of(moment: datetime) -> datetime:
    """The UTC hour."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def money(cost: float | None) -> Decimal | None:
    """A cost as an amount; None if it is none."""
    return None if cost is None else Decimal(repr(cost)).quantize(Decimal("0.01"))


def seconds(spans: Iterable[timedelta]) -> list[int]:
    """Spans in microseconds, in order."""
    return sorted(span // MICROSECOND for span in spans)


def mean(values: Sequence[int]) -> float | None:
    """The mean of microseconds in seconds; None of none."""
    return sum(values) / len(values) / 1e6 if values else None


def percentile(values: Sequence[int], level: float) -> float | None:
    """The value at that part of them, in their order, in seconds; None of none."""
    return values[min(int(level * len(values)), len(values) - 1)] / 1e6 if values else None


def tables_of(seen: Seen, share: Decimal) -> dict[str, Table]:
    """The rows of every fact, hourly view and mart."""
    deliveries = _joined(seen)
    return {
        "dds.fact_orders": [
            (r["id"], r["source_address_id"], r["target_address_id"], r["extra"], r["registered_at"])
            for r in seen["order"]
        ],
        "dds.fact_pipelines": _pipelines(seen),
        "dds.fact_stages": [
            tuple(
                r[name]
                for name in (
                    "id", "pipeline_id", "name", "status", "message",
                    "created_at", "started_at", "finished_at",
                )
            )
            for r in seen["stage"]
        ],
        "dds.fact_deliveries": [
            tuple(
                r[name]
                for name in (
                    "pipeline_id", "order_id", "order_type", "status", "cost",
                    "estimated_at", "performer_id", "assigned_at", "released_at", "created_at",
                )
            )
            for r in deliveries
        ],
        "dds.hourly_orders_mv": _hourly_orders(seen["order"]),
        "dds.hourly_deliveries_mv": _hourly_deliveries(deliveries),
        "delivery_marts.popular_routes": _routes(seen["order"]),
        "delivery_marts.order_conversion": _conversion(seen, deliveries),
        "delivery_marts.order_sla": _sla(seen["stage"]),
        "delivery_marts.performer_activity": [
            (day, performer, *figures.values()) for (day, performer), figures in _activity(deliveries).items()
        ],
        "delivery_marts.courier_efficiency": _efficiency(_activity(deliveries)),
        "delivery_marts.order_roi": _roi(deliveries, share),
    }  # fmt: skip


def _pipelines(seen: Seen) -> Table:
    registered = {r["id"]: r["registered_at"] for r in seen["order"]}
    return [
        (
            r["id"], r["order_id"], registered[r["order_id"]], r["status"], r["message"], r["created_at"],
            r["started_at"], r["finished_at"],
        )
        for r in seen["pipeline"]
    ]  # fmt: skip


def _joined(seen: Seen) -> list[Row]:
    pipelines = {r["id"]: r for r in seen["pipeline"]}
    orders = {r["id"]: r for r in seen["order"]}
    return [
        {
            **r,
            "cost": money(r["cost"]),
            "order_id": pipelines[r["pipeline_id"]]["order_id"],
            "order_type": orders[pipelines[r["pipeline_id"]]["order_id"]]["extra"],
            "status": pipelines[r["pipeline_id"]]["status"],
            "created_at": pipelines[r["pipeline_id"]]["created_at"],
        }
        for r in seen["delivery"]
    ]


def _hourly_orders(orders: Collection[Row]) -> Table:
    hours: dict[datetime, list[Row]] = defaultdict(list)
    for row in orders:
        hours[hour_of(row["registered_at"])].append(row)
    return [
        (
            hour,
            len(rows),
            len({row["source_address_id"] for row in rows}),
            len({row["target_address_id"] for row in rows}),
        )
        for hour, rows in hours.items()
    ]


def _hourly_deliveries(deliveries: Collection[Row]) -> Table:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in deliveries:
        if row["estimated_at"] is not None:
            groups[hour_of(row["estimated_at"]), row["performer_id"]].append(row)
    table: Table = []
    for key, rows in groups.items():
        costs = [row["cost"] for row in rows if row["cost"] is not None]
        total = sum(costs, Decimal("0.00"))
        completed = sum(row["released_at"] is not None for row in rows)
        table.append((*key, len(rows), total, float(total) / len(costs) if costs else None, completed))
    return table


def _routes(orders: Collection[Row]) -> Table:
    routes: dict[tuple[Any, ...], list[datetime]] = defaultdict(list)
    for row in orders:
        key = (day_of(row["registered_at"]), row["source_address_id"], row["target_address_id"])
        routes[key].append(row["registered_at"])
    return [(*key, len(moments), max(moments)) for key, moments in routes.items()]


def _conversion(seen: Seen, deliveries: Collection[Row]) -> Table:
    attempts: dict[Any, list[Row]] = defaultdict(list)
    for row in seen["pipeline"]:
        attempts[row["order_id"]].append(row)
    delivery_of = {row["pipeline_id"]: row for row in deliveries}
    days: dict[date, list[int]] = defaultdict(lambda: [0] * 8)
    for order in seen["order"]:
        mine = sorted(attempts[order["id"]], key=lambda row: (row["created_at"], str(row["id"])))
        theirs = [delivery_of[row["id"]] for row in mine if row["id"] in delivery_of]
        delivered = any(row["status"] == "succeeded" for row in mine)
        last = mine[-1]["status"] if mine else "none"
        found = (
            True,
            any(row["estimated_at"] is not None for row in theirs),
            any(row["assigned_at"] is not None for row in theirs),
            delivered,
            not delivered and last == "canceled",
            not delivered and last == "failed",
            not delivered and last not in ("canceled", "failed"),
            max(len(mine) - 1, 0),
        )
        figures = days[day_of(order["registered_at"])]
        for place, value in enumerate(found):
            figures[place] += value
    return [(day, *figures) for day, figures in days.items()]


def _sla(stages: Collection[Row]) -> Table:
    groups: dict[tuple[date, str], list[Row]] = defaultdict(list)
    for row in stages:
        groups[day_of(row["created_at"]), row["name"]].append(row)
    table: Table = []
    for key, rows in groups.items():
        # A time that ends before it begins is not counted.
        took = seconds(
            r["finished_at"] - r["started_at"]
            for r in rows
            if r["status"] == "succeeded" and r["finished_at"] >= r["started_at"]
        )
        waited = seconds(
            r["started_at"] - r["created_at"]
            for r in rows
            if r["started_at"] is not None and r["started_at"] >= r["created_at"]
        )
        statuses = [row["status"] for row in rows]
        table.append(
            (
                *key,
                len(rows),
                statuses.count("succeeded"),
                statuses.count("failed"),
                statuses.count("canceled"),
                statuses.count("pending") + statuses.count("in_progress"),
                mean(waited),
                mean(took),
                *(percentile(took, level) for level in (0.5, 0.9, 0.95, 0.99)),
                took[-1] / 1e6 if took else None,
            )
        )
    return table


def _activity(deliveries: Collection[Row]) -> dict[tuple[date, Any], dict[str, Any]]:
    assigned = [
        row for row in deliveries if row["performer_id"] is not None and row["assigned_at"] is not None
    ]
    by_performer: dict[Any, list[Row]] = defaultdict(list)
    for row in assigned:
        by_performer[row["performer_id"]].append(row)
    groups: dict[tuple[date, Any], list[Row]] = defaultdict(list)
    for row in assigned:
        groups[day_of(row["created_at"]), row["performer_id"]].append(row)
    return {
        key: {
            "assignments": len(rows),
            "released": sum(row["released_at"] is not None for row in rows),
            "total_cost": sum((r["cost"] for r in rows if r["cost"] is not None), Decimal("0.00")),
            "costed": sum(row["cost"] is not None for row in rows),
            "busy_seconds": Decimal(
                sum(
                    seconds(r["released_at"] - r["assigned_at"] for r in rows if r["released_at"] is not None)
                )
            )
            / 1_000_000,
            "overlapping": sum(_overlaps(row, by_performer[key[1]]) for row in rows),
            "first_assigned_at": min(row["assigned_at"] for row in rows),
            "last_released_at": max(
                (row["released_at"] for row in rows if row["released_at"] is not None), default=None
            ),
        }
        for key, rows in groups.items()
    }


def _overlaps(row: Row, others: Collection[Row]) -> bool:
    day = day_of(row["created_at"])
    return any(
        day - timedelta(days=1) <= day_of(other["created_at"]) <= day
        and other["assigned_at"] < row["assigned_at"]
        and (other["released_at"] is None or other["released_at"] > row["assigned_at"])
        for other in others
    )


def _efficiency(activity: Mapping[tuple[date, Any], Mapping[str, Any]]) -> Table:
    groups: dict[Any, list[tuple[date, Mapping[str, Any]]]] = defaultdict(list)
    for (day, performer), figures in activity.items():
        groups[performer].append((day, figures))
    table: Table = []
    for performer, days in groups.items():
        total = {name: sum(figures[name] for _, figures in days) for name in days[0][1] if "_at" not in name}
        table.append(
            (
                performer,
                total["assignments"],
                float(total["total_cost"]) / total["costed"] if total["costed"] else None,
                float(total["busy_seconds"]) / total["released"] if total["released"] else None,
                total["overlapping"],
                len(days),
                max(day for day, _ in days),
            )
        )
    return table


def _roi(deliveries: Collection[Row], share: Decimal) -> Table:
    groups: dict[tuple[date, str | None], list[Row]] = defaultdict(list)
    for row in deliveries:
        groups[day_of(row["created_at"]), row["order_type"]].append(row)
    table: Table = []
    for key, rows in groups.items():
        assigned = [row for row in rows if row["assigned_at"] is not None]
        succeeded = [row for row in rows if row["status"] == "succeeded"]
        revenue = sum((row["cost"] for row in succeeded if row["cost"] is not None), Decimal("0.00"))
        payouts = share * sum((row["cost"] for row in assigned if row["cost"] is not None), Decimal(0))
        roi = (float(revenue) - float(payouts)) / float(payouts) if payouts else None
        table.append((*key, len(assigned), len(succeeded), revenue, payouts, roi))
    return table
