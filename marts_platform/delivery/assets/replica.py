"""The replica as an asset: it is observed, not materialised."""

from __future__ import annotations

import dagster as dg

replica = dg.AssetSpec(
    dg.AssetKey(["delivery", "replica"]),
    description="The logical replica of the delivery service's database, which the ODS is read from. "
    "`marts replica create | status | drop` makes, shows and removes it.",
    group_name="delivery",
    kinds={"postgres"},
    owners=["team:data"],
)
