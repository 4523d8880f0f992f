"""What an earlier run found, for the parts that this one leaves out: all of them take half an hour."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.camunda.dataset import Source
from benchmarks.camunda.lookups import Lookup
from benchmarks.camunda.runs import Run, Scale
from benchmarks.measure import Measurement, Outcome
from benchmarks.report import machine


def keep(run: Run, folder: Path) -> None:
    """Takes over what the results in a folder have, if they are of this machine and at this scale."""
    path = folder / "results.json"
    if not path.exists():
        return
    found: dict[str, Any] = json.loads(path.read_text("utf-8")).get("camunda") or {}
    figures: dict[str, Any] = found.get("figures") or {}
    if found.get("machine") != machine() or not _is_alike(figures.get("scale") or {}, run.scale):
        return
    run.sources = {name: Source(**source) for name, source in figures["sources"].items()}
    run.measured = {
        name: [_measurement(each) for each in all_] for name, all_ in figures["contenders"].items()
    }
    run.missing = dict(figures["not_measured"])
    run.big = _measurement(figures["big_day"]) if figures["big_day"] else None
    run.history = {
        int(days): [_measurement(each) for each in all_] for days, all_ in figures["history"].items()
    }
    run.lookups = {name: Lookup(**lookup) for name, lookup in figures["lookups"].items()}


def _is_alike(then: dict[str, Any], now: Scale) -> bool:
    alike = json.loads(json.dumps(asdict(now)))
    return {**then, "repeats": 0} == {**alike, "repeats": 0}


def _measurement(found: dict[str, Any]) -> Measurement:
    made = Measurement(**found)
    return replace(made, outcome=Outcome(**found["outcome"]))
