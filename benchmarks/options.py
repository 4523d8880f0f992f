"""What every benchmark is asked for on the command line, and how it ends."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import report

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_QUICK_FOLDER = Path("build/benchmarks")


@dataclass(frozen=True)
class Options:
    """What a benchmark is asked for.

    Attributes:
        quick: a much smaller run, to see that it works; its ratios say nothing, since what is fixed, the
            start of a run or of a process, weighs far more.
        repeats: how often each contender is measured, None for the benchmark's own figure.
        folder: where the results go.
        parts: the parts to run, of a benchmark that has such.
    """

    quick: bool
    repeats: int | None
    folder: Path
    parts: tuple[str, ...]


def options(arguments: Sequence[str] | None, about: str | None, parts: Iterable[str] = ()) -> Options:
    """Reads the command line.

    Args:
        arguments: of the command line; None for the process's.
        about: what the benchmark measures.
        parts: that can be run without the others, which keep their last results.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=about)
    parser.add_argument("--quick", action="store_true", help=f"much smaller; into {_QUICK_FOLDER}")
    parser.add_argument("--repeats", type=int, help="how often each contender is measured")
    parser.add_argument("--folder", type=Path, help="where the results go")
    if known := list(parts):
        parser.add_argument("--parts", nargs="+", choices=known, default=known, help="only these")
    given = parser.parse_args(arguments)
    folder = given.folder or (_QUICK_FOLDER if given.quick else report.FOLDER)
    return Options(given.quick, given.repeats, folder, tuple(getattr(given, "parts", ())))


def conclude(domain: str, section: report.Section, chosen: Options) -> int:
    """Writes and shows what was found.

    Returns:
        The exit code: 0 if every target was met (of a quick run: measured), else 1.
    """
    report.write(domain, section, chosen.folder)
    for target in section.targets:
        print(f"{ {True: 'pass', False: 'FAIL', None: '?'}[target.passed]:4}  {target.aim}: {target.found}")
    print(f"The figures are in {chosen.folder / 'results.md'}.")
    met = (target.passed is not None if chosen.quick else target.passed for target in section.targets)
    return 0 if all(met) else 1
