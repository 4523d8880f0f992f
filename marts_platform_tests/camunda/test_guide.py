"""The guide to adding a mart is followed literally, in a copy of the platform."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse

ROOT = Path(__file__).resolve().parents[2]
DAY = date(2024, 6, 3)
# A file's name, the last one before a block, and the block.
WRITTEN = re.compile(r"`([\w/]+\.(?:sql|py))`[^`]*\n\n```\w+\n(.*?)```", re.S)


def follow(guide: str, copy: Path) -> None:
    """Writes what the guide says into a copy of the platform, but for what it leaves to the reader."""
    for folder in ("marts_platform", "sql"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "dagster.yaml", copy)
    versions = copy / "marts_platform/migrations/versions"
    newest = max(path.name[:4] for path in versions.glob("0*.py"))
    for name, text in WRITTEN.findall(guide):
        path = copy / name
        if path.parent == versions:
            assert f'down_revision = "{newest}"' in text, "the guide's revision follows the newest one"
        path.write_text((path.read_text("utf-8") + "\n\n" if path.exists() else "") + text, "utf-8")
    sensors = copy / "marts_platform/camunda/sensors.py"
    text = sensors.read_text("utf-8")
    text = text.replace("import act_hi_detail", "import changes_per_day, act_hi_detail")
    sensors.write_text(text.replace("_ASSETS = [", "_ASSETS = [changes_per_day, "), "utf-8")


def marts(copy: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "marts_platform.cli", *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_guide_can_be_followed(engine: Engine, warehouse: Warehouse, tmp_path: Path) -> None:
    engine.write(change(at(DAY)), change(at(DAY, 13), name_="contextData", var_inst_id_="V2"))
    follow((ROOT / "docs/adding-a-mart.md").read_text("utf-8"), tmp_path)
    said = re.search(r"it is (\w{12}) now", marts(tmp_path, "migrate").stderr)
    assert said is not None
    (revision,) = (tmp_path / "marts_platform/migrations/versions").glob("*_changes_per_day.py")
    revision.write_text(revision.read_text("utf-8").replace("0" * 12, said[1]), "utf-8")
    migrated = marts(tmp_path, "migrate")
    assert migrated.returncode == 0, migrated.stderr
    days = ["--from", DAY.isoformat(), "--to", (DAY + timedelta(days=1)).isoformat()]
    loaded = marts(tmp_path, "materialize", "camunda", *days)
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    rows = warehouse.rows("SELECT * FROM camunda.changes_per_day ORDER BY name_")
    assert [tuple(row.values()) for row in rows] == [
        (DAY, "contextData", 1, 1),
        (DAY, "docIds", 1, 1),
    ]
