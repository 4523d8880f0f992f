"""The benchmarks' runner: every domain's are found, and a part that is left out keeps what was measured."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from benchmarks import __main__ as runner
from benchmarks import report
from benchmarks.camunda import original
from benchmarks.camunda.dataset import Source
from benchmarks.camunda.kept import keep
from benchmarks.camunda.lookups import Lookup
from benchmarks.camunda.results import section
from benchmarks.camunda.runs import FULL, QUICK, Run, Scale
from benchmarks.measure import Measurement, Outcome
from benchmarks.stack import PrivateStack


def test_every_domains_benchmarks_are_found_and_get_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, list[str]]] = []

    def import_module(name: str) -> object:
        ended = {"a": 0, "b": 1}

        def main(arguments: list[str]) -> int:
            asked.append((name, arguments))
            return ended[name.split(".")[1]]

        return SimpleNamespace(main=main)

    assert "camunda" in runner.domains()
    monkeypatch.setattr(runner, "domains", lambda: ["a", "b"])
    monkeypatch.setattr(runner, "import_module", import_module)
    assert runner.main(["--quick"]) == 1
    assert runner.main(["a", "--parts", "day"]) == 0
    assert asked == [
        ("benchmarks.a.__main__", ["--quick"]),
        ("benchmarks.b.__main__", ["--quick"]),
        ("benchmarks.a.__main__", ["--parts", "day"]),
    ]
    assert runner.main(["nothing"]) == 2


def _measured(seconds: float) -> Measurement:
    return Measurement(
        seconds, seconds + 2, seconds * 2, 170_000_000, 150_000_000, 0.5, Outcome(7, parts={"a": 1.0})
    )


def _run(scale: Scale) -> Run:
    return Run(PrivateStack(Path("nowhere")), scale)


@pytest.mark.parametrize(("scale", "kept"), [(replace(FULL, repeats=2), True), (QUICK, False)])
def test_a_part_that_is_left_out_keeps_its_last_results(tmp_path: Path, scale: Scale, kept: bool) -> None:
    before = _run(FULL)
    before.sources = {
        name: Source(f"source_{name}", 1, 10, 7, 70) for name in ("day", "big", "10 days", "100 days")
    }
    before.measured = {"floor": [_measured(1.0)], "platform": [_measured(2.0)]}
    before.missing = {"sling": "no program"}
    before.history = {10: [_measured(0.5)], 100: [_measured(0.6)]}
    before.big = _measured(20.0)
    before.lookups = {"by process": Lookup(2_000_000, 4, ["Index Scan"])}
    report.write("camunda", section(before), tmp_path)
    after = _run(scale)
    keep(after, tmp_path)
    if kept:
        assert replace(after, scale=FULL) == before
    else:
        assert after == _run(scale)


def test_a_domains_run_replaces_its_own_section_and_leaves_the_others(tmp_path: Path) -> None:
    def write(domain: str, title: str) -> None:
        report.write(domain, report.Section(title, [], [], [], {"seconds": 1}, []), tmp_path)

    write("a", "The first")
    write("b", "The second")
    write("a", "The first, again")
    results = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert {domain: found["title"] for domain, found in results.items()} == {
        "a": "The first, again",
        "b": "The second",
    }
    text = (tmp_path / "results.md").read_text("utf-8")
    assert re.findall(r"^## (.+)$", text, re.M) == ["The first, again", "The second"]


def test_the_original_makes_a_row_a_process_and_does_not_die() -> None:
    texts = [
        ("P1", "docIds", '{"report.AttachedDocuments": [{"doc.id": "A"}]}'),
        ("P1", "contextData", "anything"),
        ("P2", "docIds", '{"report.AttachedDocuments": []}'),
        ("P3", "docIds", None),
        ("P4", "docIds", '{"a": ""b""}'),
    ]
    frame = pd.DataFrame(
        [
            {"proc_inst_id_": process, "name_": name, "text_": text, "time_": "t"}
            for process, name, text in texts
        ]
    )
    made, done = original.transform(frame, float("inf"))
    assert done == 1
    assert made["proc_inst_id_"].to_list() == ["P1", "P2", "P3", "P4"]
    assert made["doc.id"].to_list() == ["A", None, None, None]
    assert made["contextData"].to_list() == ["anything", None, None, None]
