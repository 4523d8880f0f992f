"""One day of a Camunda history, moved by each contender in one run: ``python -m benchmarks.camunda``."""

from __future__ import annotations

import sys
from dataclasses import replace

from benchmarks import report
from benchmarks.camunda.kept import keep
from benchmarks.camunda.results import section
from benchmarks.camunda.runs import FULL, PARTS, QUICK, Run
from benchmarks.options import conclude, options
from benchmarks.stack import private_stack
from marts_platform.embedded.postgres import PostgresServer


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark and writes the results; its exit code is `conclude`'s."""
    chosen = options(arguments, __doc__, PARTS)
    scale = QUICK if chosen.quick else FULL
    scale = replace(scale, repeats=chosen.repeats or scale.repeats)
    with private_stack(PostgresServer.name) as stack:
        run = Run(stack, scale)
        if set(chosen.parts) != set(PARTS):
            keep(run, chosen.folder)
        for part in chosen.parts:
            PARTS[part](run)
            # Part by part: what is measured stays, also if somebody ends the run.
            report.write("camunda", section(run), chosen.folder)
    return conclude("camunda", section(run), chosen)


if __name__ == "__main__":
    sys.exit(main())
