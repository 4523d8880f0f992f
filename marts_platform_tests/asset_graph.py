"""The asset graph as text, beside what it was when somebody last looked at it (``asset_graph.json``).

A key that was renamed breaks whoever reads the table, so it has to show in a review:
``python -m marts_platform_tests.asset_graph`` writes the file anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg

FILE = Path(__file__).with_suffix(".json")


def asset_graph(defs: dg.Definitions) -> dict[str, dict[str, Any]]:
    """What other people rely on of each asset, by key: upstream assets, kinds, owners, checks, partitions."""
    graph = defs.resolve_asset_graph()
    checks: dict[str, dict[str, str]] = {}
    for key in graph.asset_check_keys:
        blocking = graph.get_check_spec(key).blocking
        checks.setdefault(key.asset_key.to_user_string(), {})[key.name] = "blocks" if blocking else "warns"
    found: dict[str, dict[str, Any]] = {}
    for node in graph.asset_nodes:
        name = node.key.to_user_string()
        partitions = node.partitions_def
        found[name] = {
            "table": node.metadata.get("dagster/table_name"),  # None: it is observed only
            "deps": sorted(parent.to_user_string() for parent in node.parent_keys),
            "kinds": sorted(node.kinds),
            "owners": sorted(node.owners),
            "group": node.group_name,
            "partitions": type(partitions).__name__ if partitions else None,
            "checks": dict(sorted(checks.get(name, {}).items())),
        }
    return dict(sorted(found.items()))


def recorded() -> dict[str, dict[str, Any]]:
    """The graph as it was last looked at."""
    return json.loads(FILE.read_text("utf-8"))


if __name__ == "__main__":
    from marts_platform.definitions import defs as current

    FILE.write_text(json.dumps(asset_graph(current), indent=2, ensure_ascii=False) + "\n", "utf-8")
