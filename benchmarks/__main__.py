"""Runs the benchmarks of every domain, or of some: ``python -m benchmarks [DOMAIN …] [--quick] […]``."""

from __future__ import annotations

import sys
from importlib import import_module
from itertools import takewhile
from pathlib import Path


def domains() -> list[str]:
    """The packages beside this module that can be run: each has a ``main(arguments)`` in its ``__main__``."""
    return sorted(file.parent.name for file in Path(__file__).parent.glob("*/__main__.py"))


def main(arguments: list[str]) -> int:
    """Runs domains one after another; what follows their names is given to each of them.

    Returns:
        0 if all of them met their targets, else 1; 2 if a name is none of a domain.
    """
    named = list(takewhile(lambda argument: not argument.startswith("-"), arguments))
    if unknown := set(named) - set(domains()):
        print(
            f"no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(domains())}", file=sys.stderr
        )
        return 2
    ended = 0
    for domain in named or domains():
        print(f"== {domain}", file=sys.stderr, flush=True)
        run = import_module(f"benchmarks.{domain}.__main__").main
        ended = max(ended, run(arguments[len(named) :]))
    return ended


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
