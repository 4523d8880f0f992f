"""Checks of what is published of the chat: against the source, and in itself."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from marts_platform import settings
from marts_platform.chat import assets
from marts_platform.chat.sources import ChatSource
from marts_platform.core.checks import Finding, slice_check, volume_check
from marts_platform.core.mart import mart_of
from marts_platform.core.window import Slice, Window
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform.masking import raises_cleaned

_LOOKBACK = settings.load().lookback_days
_WHOLE = Slice()


def agreement(asset: dg.AssetsDefinition) -> Callable[[Slice, Mapping[str, Any]], Finding]:
    """Compares a table, or a day of messages, at the source with what is published.

    Args:
        asset: the replica; it bears the name of the source's table.
    """
    mart = mart_of(asset.key).mart

    def examine(slice_: Slice, resources: Mapping[str, Any]) -> Finding:
        source: ChatSource = resources["chat"]
        warehouse: ClickHouseIOManager = resources["clickhouse"]
        here = warehouse.published_checksum(mart, slice_)
        there = source.checksum(asset.key.path[-1], slice_)
        figures = {
            "rows_published": here.rows,
            "rows_at_source": there.rows,
            "checksum_published": str(here.checksum),
            "checksum_at_source": str(there.checksum),
        }
        return Finding(here == there, figures)

    return examine


def _agrees_with_source(asset: dg.AssetsDefinition) -> dg.AssetChecksDefinition:
    return slice_check(
        asset,
        "agrees_with_source",
        "Source and replica have the same rows, by count and by an order-independent checksum of their "
        "values, but for what stands in quarantine. What is written at the source between a load and this "
        "check shows until the next load.",
        ["clickhouse", "chat"],
        agreement(asset),
        lookback=_LOOKBACK,
    )


users_agree = _agrees_with_source(assets.users)
products_agree = _agrees_with_source(assets.products)
chats_agree = _agrees_with_source(assets.chats)
messages_agree = _agrees_with_source(assets.messages)

usual_volume = volume_check(assets.messages, lookback=_LOOKBACK)


@dg.asset_check(
    asset=assets.messages.key,
    name="is_fresh",
    description="The newest message that was loaded is at most two hours older than the source's newest.",
    required_resource_keys={"clickhouse", "chat"},
)
@raises_cleaned
def is_fresh(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Compares the newest message here and there; a source without messages is never ahead."""
    source: ChatSource = context.resources.chat
    warehouse: ClickHouseIOManager = context.resources.clickhouse
    there = source.newest(_partitions())
    here = warehouse.row("chat/checks/newest_message.sql", _WHOLE)["newest"]
    behind = there is not None and (here is None or there - here > timedelta(hours=2))
    return dg.AssetCheckResult(
        passed=not behind,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"newest_loaded": str(here), "newest_at_source": str(there)},
    )


@dg.asset_check(
    asset=assets.messages.key,
    name="every_message_has_a_day",
    description="No message at the source has a time that no partition holds: none at all, one before "
    "MARTS_START, or one of the future. No load would bring such a message.",
    required_resource_keys={"chat"},
)
@raises_cleaned
def every_message_has_a_day(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Counts the messages that belong to no partition up to the end of today."""
    source: ChatSource = context.resources.chat
    count, first = source.outside(_partitions())
    return dg.AssetCheckResult(
        passed=count == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"messages_outside": count, "first_of_them": str(first)},
    )


def _partitions() -> Window:
    """Return the span of all partitions up to the end of today."""
    return Window.of_days(settings.load().start, datetime.now(UTC).date() + timedelta(days=1))


def _complete(asset: dg.AssetsDefinition, name: str, description: str, file: str) -> dg.AssetChecksDefinition:
    def examine(slice_: Slice, resources: Mapping[str, Any]) -> Finding:
        warehouse: ClickHouseIOManager = resources["clickhouse"]
        figures = warehouse.row(file, slice_)
        return Finding(figures["missing"] == 0, figures)

    return slice_check(asset, name, description, ["clickhouse"], examine, lookback=1)


users_complete = _complete(
    assets.user_dimension,
    "has_every_user",
    "Every sender, recipient, buyer and seller of the facts has a row.",
    "chat/checks/users_missing.sql",
)
days_complete = _complete(
    assets.time_dimension,
    "has_every_day",
    "Every day that a fact refers to has a row.",
    "chat/checks/days_missing.sql",
)
chats_complete = _complete(
    assets.chat_facts,
    "has_every_chat",
    "Every chat of a message has a row.",
    "chat/checks/chats_missing.sql",
)
