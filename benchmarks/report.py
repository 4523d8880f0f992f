"""What a run found, as ``results.json`` and ``results.md``: a section a domain, and the machine."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Target:
    """A stated aim and what was found.

    Attributes:
        aim: the aim in words, with its figure.
        found: the figure found, in words; why there is none, if there is none.
        passed: None if it was not measured.
    """

    aim: str
    found: str
    passed: bool | None


@dataclass(frozen=True)
class Table:
    """A table of the report, its cells as they are shown."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """The results of one domain.

    Attributes:
        title: its heading.
        about: paragraphs on what was measured and how.
        targets: the aims.
        tables: the figures, for people.
        figures: the figures, for programs.
        packages: the distributions whose versions matter.
        settings: the server's settings.
    """

    title: str
    about: Sequence[str]
    targets: Sequence[Target]
    tables: Sequence[Table]
    figures: Mapping[str, Any]
    packages: Sequence[str]
    settings: Mapping[str, str] = field(default_factory=dict[str, str])


def write(domain: str, section: Section, folder: Path = FOLDER) -> None:
    """Puts a domain's section into the results, and leaves the other domains' as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.json"
    results: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    results[domain] = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": _versions(section.packages),
        **asdict(section),
    }
    path.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", "utf-8")
    lines = ["# Benchmarks", "", "Written by `make bench`; the same figures are in `results.json`."]
    for _, found in sorted(results.items()):
        lines += _section_lines(found)
    (folder / "results.md").write_text("\n".join(lines) + "\n", "utf-8")


def machine() -> dict[str, str]:
    """Where it was measured: processor, cores, memory, system, Python."""
    try:
        model = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text("utf-8"))
    except FileNotFoundError:
        model = None
    return {
        "processor": model[1] if model else platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.1f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def megabytes(count: float) -> str:
    """Bytes as shown in a table."""
    return f"{count / 1e6:,.0f} MB"


def _versions(packages: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def _section_lines(found: Mapping[str, Any]) -> list[str]:
    where = ", ".join(f"{name} {value}" for name, value in found["machine"].items())
    versions = ", ".join(f"{name} {value}" for name, value in found["versions"].items())
    lines = ["", f"## {found['title']}", "", f"Measured at {found['measured_at']} on: {where}.", ""]
    lines += [f"With {versions}.", ""]
    if found["settings"]:
        shown = ", ".join(f"`{name} = {value}`" for name, value in found["settings"].items())
        lines += [f"The server, for all alike: {shown}.", ""]
    lines += [line for paragraph in found["about"] for line in (paragraph, "")]
    verdicts = {True: "pass", False: "**fail**", None: "not measured"}
    rows = [[target["aim"], target["found"], verdicts[target["passed"]]] for target in found["targets"]]
    lines += _table_lines("Targets", ["aim", "found", ""], rows)
    for table in found["tables"]:
        lines += ["", *_table_lines(table["title"], table["columns"], table["rows"])]
        lines += [line for note in table["notes"] for line in ("", note)]
    return lines


def _table_lines(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [f"### {title}", "", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return lines + [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows
    ]
