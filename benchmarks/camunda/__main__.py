"""One day of a Camunda history, moved by each contender in one run: ``python -m benchmarks.camunda``."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import report
from benchmarks.camunda.kept import keep
from benchmarks.camunda.results import section
from benchmarks.camunda.runs import FULL, PARTS, QUICK, Run
from benchmarks.stack import private_stack
from marts_platform.embedded.postgres import PostgresServer


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark and writes the results.

    Args:
        arguments: of the command line.

    Returns:
        0 if every target was measured and met (of a quick run: measured), else 1.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="ten times smaller, to see whether it runs; into build/benchmarks",
    )
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        default=list(PARTS),
        help="only these, the others keep their last results",
    )
    parser.add_argument("--repeats", type=int, help="how often each contender is measured; the original once")
    parser.add_argument("--folder", type=Path, help="where the results go")
    chosen = parser.parse_args(arguments)
    scale, folder = (QUICK, Path("build/benchmarks")) if chosen.quick else (FULL, report.FOLDER)
    folder = chosen.folder or folder
    scale = replace(scale, repeats=chosen.repeats or scale.repeats)
    with private_stack(PostgresServer.name) as stack:
        run = Run(stack, scale)
        if set(chosen.parts) != set(PARTS):
            keep(run, folder)
        for part in chosen.parts:
            PARTS[part](run)
            # Part by part: what is measured stays, also if somebody ends the run.
            report.write("camunda", section(run), folder)
    found = section(run)
    for target in found.targets:
        print(f"{ {True: 'pass', False: 'FAIL', None: '?'}[target.passed]:4}  {target.aim}: {target.found}")
    print(f"The figures are in {folder / 'results.md'}.")
    # A quick run's ratios say nothing: what is fixed, a run's or a process's start, weighs ten times as much.
    return (
        0
        if all(target.passed or (chosen.quick and target.passed is not None) for target in found.targets)
        else 1
    )


if __name__ == "__main__":
    sys.exit(main())
