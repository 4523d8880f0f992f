"""Runs the benchmarks of every domain: ``python -m benchmarks [--quick]``."""

from __future__ import annotations

import sys

from benchmarks.camunda.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
