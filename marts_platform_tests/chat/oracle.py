"""The star schema computed in plain Python from the source's rows: the independent truth of these tests.

It follows the definitions, message by message, with no SQL and nothing of the platform's. Times are naive
UTC.
"""

from __future__ import annotations

import calendar
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]
Table: TypeAlias = dict[Any, Row]

_MINUTE = 60_000_000
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Source:
    """What the source holds: by table its rows, each by column."""

    users: list[Row]
    chats: list[Row]
    messages: list[Row]


@dataclass(frozen=True)
class Thresholds:
    """Messages a week: above `high` a user is high, from `medium` on medium, below low."""

    high: float = 10
    medium: float = 3


DEFAULT = Thresholds()


def star(source: Source, thresholds: Thresholds = DEFAULT) -> dict[str, Table]:
    """Every table of the star schema, each row by its key."""
    facts = _message_facts(source)
    return {
        "message_facts": {fact["message_id"]: fact for fact in facts},
        "chat_facts": _chat_facts(source, facts),
        "user_dimension": _user_dimension(source, facts, thresholds),
        "daily_activity_facts": _daily(source, facts),
        "hourly_activity_facts": _hourly(facts),
        "time_dimension": _time_dimension(source),
    }


def _message_facts(source: Source) -> list[Row]:
    chats = {chat["id"]: chat for chat in source.chats}
    facts: list[Row] = []
    before: dict[int, Row] = {}
    for message in sorted(source.messages, key=lambda row: (row["created_at"], row["id"])):
        chat = chats.get(message["chat_id"])
        last = before.get(message["chat_id"])
        answers = last is not None and last["sender_id"] != message["sender_id"]
        waited = _microseconds(message["created_at"] - last["created_at"]) if last and answers else 0
        if chat is None:
            recipient = None
        elif message["sender_id"] == chat["buyer_id"]:
            recipient = chat["seller_id"]
        else:
            recipient = chat["buyer_id"]
        facts.append(
            {
                "message_id": message["id"],
                "created_at": message["created_at"],
                "time_id": _day_id(message["created_at"]),
                "hour_of_day": message["created_at"].hour,
                "chat_id": message["chat_id"],
                "sender_id": message["sender_id"],
                "recipient_id": recipient,
                "message_length": len(message["message"].strip()),
                "response_time_minutes": waited / _MINUTE,
                "response_microseconds": waited,
                "is_response": answers,
                "is_first_in_chat": last is None,
            }
        )
        before[message["chat_id"]] = message
    return facts


def _chat_facts(source: Source, facts: Iterable[Row]) -> Table:
    of_chat = _grouped(facts, "chat_id")
    found: Table = {}
    for chat in source.chats:
        mine = of_chat.get(chat["id"], [])
        times = [fact["created_at"] for fact in mine] or [chat["created_at"]]
        first, last = min(times), max(times)
        senders = Counter(fact["sender_id"] for fact in mine)
        found[chat["id"]] = {
            "chat_id": chat["id"],
            "start_time_id": _day_id(first),
            "end_time_id": _day_id(last),
            "buyer_id": chat["buyer_id"],
            "seller_id": chat["seller_id"],
            "total_messages": len(mine),
            "buyer_messages": senders[chat["buyer_id"]],
            "seller_messages": senders[chat["seller_id"]],
            "avg_message_length": _mean([fact["message_length"] for fact in mine]),
            "avg_response_time_minutes": _mean_response(mine),
            "chat_duration_hours": _microseconds(last - first) / 3_600_000_000 if len(mine) > 1 else 0,
        }
    return found


def _user_dimension(source: Source, facts: list[Row], thresholds: Thresholds) -> Table:
    of_user = _grouped(facts, "sender_id")
    moments = [fact["created_at"] for fact in facts] + [user["created_at"] for user in source.users]
    reach = max(moments, default=datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None))
    found: Table = {}
    for user in source.users:
        mine = of_user.get(user["id"], [])
        last = max((fact["created_at"] for fact in mine), default=reach)
        days = (last - user["created_at"]) // _DAY
        per_week = len(mine) / (days / 7) if days else 0
        level = "medium" if per_week >= thresholds.medium else "low"
        found[user["id"]] = {
            "id": user["id"],
            "registration_date": user["created_at"].date(),
            "days_active": days,
            "total_chats": len({fact["chat_id"] for fact in mine}),
            "total_messages": len(mine),
            "avg_response_time_minutes": _mean_response(mine),
            "messages_per_week": per_week,
            "activity_level": "high" if per_week > thresholds.high else level,
            "last_updated": reach,
        }
    return found


def _daily(source: Source, facts: list[Row]) -> Table:
    of_day = _grouped(facts, "time_id")
    registered = Counter(_day_id(user["created_at"]) for user in source.users)
    found: Table = {}
    for day in of_day.keys() | registered.keys():
        mine = of_day.get(day, [])
        hours = Counter(fact["hour_of_day"] for fact in mine)
        peak = max(hours, key=lambda hour: (hours[hour], -hour), default=0)
        chats = {fact["chat_id"] for fact in mine}
        found[day] = {
            "date_id": day,
            "total_messages": len(mine),
            "total_new_chats": sum(fact["is_first_in_chat"] for fact in mine),
            "active_users": len({fact["sender_id"] for fact in mine}),
            "new_users": registered[day],
            "avg_messages_per_chat": len(mine) / len(chats) if chats else 0,
            "avg_response_time_minutes": _mean_response(mine),
            "peak_hour": peak,
            "peak_hour_messages": hours[peak],
        }
    return found


def _hourly(facts: list[Row]) -> Table:
    of_hour: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for fact in facts:
        of_hour[fact["time_id"], fact["hour_of_day"]].append(fact)
    return {
        (day, hour): {
            "date_id": day,
            "hour_of_day": hour,
            "total_messages": len(mine),
            "total_new_chats": sum(fact["is_first_in_chat"] for fact in mine),
            "active_users": len({fact["sender_id"] for fact in mine}),
            "avg_response_time_minutes": _mean_response(mine),
        }
        for (day, hour), mine in of_hour.items()
    }


def _time_dimension(source: Source) -> Table:
    years = {row["created_at"].year for row in (*source.users, *source.chats, *source.messages)}
    if not years:
        return {}
    found: Table = {}
    day = date(min(years), 1, 1)
    while day <= date(max(years), 12, 31):
        iso = day.isocalendar()
        found[_day_id(day)] = {
            "id": _day_id(day),
            "full_date": day,
            "year": day.year,
            "quarter": (day.month + 2) // 3,
            "month": day.month,
            "month_name": calendar.month_name[day.month],
            "week_of_year": iso.week,
            "iso_year": iso.year,
            "day_of_month": day.day,
            "day_of_week": iso.weekday % 7 + 1,
            "day_name": calendar.day_name[day.weekday()],
            "is_weekend": day.weekday() >= 5,
        }
        day += _DAY
    return found


def _grouped(rows: Iterable[Row], column: str) -> Mapping[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[column]].append(row)
    return groups


def _mean(values: list[int]) -> float:
    return sum(values) / len(values) if values else 0


def _mean_response(facts: Iterable[Row]) -> float:
    waited = [fact["response_microseconds"] for fact in facts if fact["is_response"]]
    return sum(waited) / len(waited) / _MINUTE if waited else 0


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _day_id(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day
