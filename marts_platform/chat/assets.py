"""The chat's assets: replicas of its tables, and the star schema that is computed from them.

Whole tables and days take turns: users, products and chats; then each day's messages and what becomes of
them; then what is computed of all days, where a load takes in only what the loaded days touch.
"""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from marts_platform import settings
from marts_platform.chat.sources import ChatSource
from marts_platform.core.audit import Audit, unique
from marts_platform.core.mart import keyed_mart, mart
from marts_platform.core.partitions import DAILY
from marts_platform.core.path import Extract, Keyed, Replace
from marts_platform.core.rows import Query
from marts_platform.core.window import Slice

_FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26))
_RAW = ("clickhouse", "mysql")
_MART = ("clickhouse", "sql")


@mart(
    asset="chat/users",
    ddl="chat/ddl/users.sql",
    publication=Replace(),
    warehouse="clickhouse",
    audits=[unique("id")],
    source="chat",
    kinds=_RAW,
    pool="chat",
    freshness=_FRESHNESS,
)
def users(_: Slice, chat: ChatSource) -> Extract:
    """All users, streamed from the chat's database."""
    return chat.table("users")


@mart(
    asset="chat/products",
    ddl="chat/ddl/products.sql",
    publication=Replace(),
    warehouse="clickhouse",
    audits=[unique("id")],
    source="chat",
    kinds=_RAW,
    pool="chat",
    freshness=_FRESHNESS,
)
def products(_: Slice, chat: ChatSource) -> Extract:
    """All products, streamed from the chat's database."""
    return chat.table("products")


@mart(
    asset="chat/chats",
    ddl="chat/ddl/chats.sql",
    publication=Replace(),
    warehouse="clickhouse",
    audits=[unique("id")],
    source="chat",
    kinds=_RAW,
    pool="chat",
    freshness=_FRESHNESS,
)
def chats(_: Slice, chat: ChatSource) -> Extract:
    """All chats, streamed from the chat's database."""
    return chat.table("chats")


@mart(
    asset="chat/messages",
    ddl="chat/ddl/messages.sql",
    publication=Replace("created_at"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    audits=[unique("id")],
    source="chat",
    kinds=_RAW,
    pool="chat",
    freshness=_FRESHNESS,
)
def messages(slice_: Slice, chat: ChatSource) -> Extract:
    """A day's messages with the sides of their chats, streamed from one snapshot of the chat's database."""
    return chat.messages(slice_)


message_facts = keyed_mart(
    asset="chat/message_facts",
    ddl="chat/ddl/message_facts.sql",
    publication=Keyed("chat/marts/message_facts_touched.sql", "chat/marts/message_facts_rebuild.sql"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["chat/messages"],
    audits=[
        unique("message_id"),
        Audit(
            "first_or_after_another",
            "chat/audits/message_facts_in_step.sql",
            "No answer is a chat's first message or took less than no time.",
        ),
    ],
    kinds=_MART,
    freshness=_FRESHNESS,
)


chat_senders = keyed_mart(
    asset="chat/chat_senders",
    ddl="chat/ddl/chat_senders.sql",
    publication=Keyed("chat/marts/chat_senders_touched.sql", "chat/marts/chat_senders_rebuild.sql"),
    warehouse="clickhouse",
    upstream=["chat/message_facts"],
    audits=[unique("chat_id", "sender_id")],
    kinds=_MART,
    freshness=_FRESHNESS,
)


@mart(
    asset="chat/chat_facts",
    ddl="chat/ddl/chat_facts.sql",
    publication=Replace(),
    warehouse="clickhouse",
    upstream=["chat/chats", "chat/chat_senders"],
    audits=[unique("chat_id")],
    kinds=_MART,
    freshness=_FRESHNESS,
)
def chat_facts(_: Slice) -> Query:
    """Every chat, with what its senders wrote in it."""
    return Query("chat/marts/chat_facts.sql")


def activity_scope() -> str:
    """The thresholds of the activity levels: other ones make the dimension stale."""
    now = settings.load()
    return f"high above {now.chat_high_activity:g}, medium from {now.chat_medium_activity:g} messages a week"


@mart(
    asset="chat/user_dimension",
    ddl="chat/ddl/user_dimension.sql",
    publication=Replace(),
    warehouse="clickhouse",
    upstream=["chat/users", "chat/chat_senders"],
    scope=activity_scope,
    audits=[unique("id")],
    kinds=_MART,
    freshness=_FRESHNESS,
)
def user_dimension(_: Slice) -> Extract:
    """Every user, with what each wrote in all chats."""
    now = settings.load()
    thresholds = {"high_activity": now.chat_high_activity, "medium_activity": now.chat_medium_activity}
    return Extract(Query("chat/marts/user_dimension.sql", thresholds), scope=activity_scope())


daily_activity_facts = keyed_mart(
    asset="chat/daily_activity_facts",
    ddl="chat/ddl/daily_activity_facts.sql",
    publication=Keyed(
        "chat/marts/daily_activity_facts_touched.sql", "chat/marts/daily_activity_facts_rebuild.sql"
    ),
    warehouse="clickhouse",
    upstream=["chat/message_facts", "chat/users"],
    audits=[unique("date_id")],
    kinds=_MART,
    freshness=_FRESHNESS,
)


hourly_activity_facts = keyed_mart(
    asset="chat/hourly_activity_facts",
    ddl="chat/ddl/hourly_activity_facts.sql",
    publication=Keyed(
        "chat/marts/hourly_activity_facts_touched.sql", "chat/marts/hourly_activity_facts_rebuild.sql"
    ),
    warehouse="clickhouse",
    upstream=["chat/message_facts"],
    audits=[unique("date_id", "hour_of_day")],
    kinds=_MART,
    freshness=_FRESHNESS,
)


@mart(
    asset="chat/time_dimension",
    ddl="chat/ddl/time_dimension.sql",
    publication=Replace(),
    warehouse="clickhouse",
    upstream=["chat/users", "chat/chats", "chat/messages"],
    audits=[unique("id")],
    kinds=_MART,
    freshness=_FRESHNESS,
)
def time_dimension(_: Slice) -> Query:
    """Every day of the years that the data reach over."""
    return Query("chat/marts/time_dimension.sql")
