"""A process that loads days in children of its own, which may be killed at any moment.

It imports everything once and then forks for each load, so that an attempt costs no seconds of import and
random moments fall into the load itself. On standard input, by lines: ``load FIRST END SELECTION`` (days as
ISO dates, the end exclusive), answered by ``started PID``; and ``wait``, answered by ``ended STATUS``
(negative: the signal that ended the child). Until it is waited for, a child's id stays its own.
"""

from __future__ import annotations

import os
import sys
from datetime import date
from importlib import import_module


def _load(first: str, end: str, selection: str) -> None:
    from dagster import DagsterInstance

    from marts_platform import materialization

    registered = materialization.select(selection)
    batches = materialization.days_between(date.fromisoformat(first), date.fromisoformat(end), registered)
    with DagsterInstance.ephemeral() as instance:
        materialization.materialize(batches, instance, with_checks=False)


def _warm_up() -> None:
    import dagster as dg

    from marts_platform.definitions import defs

    @dg.asset
    def nothing() -> None:
        pass

    # Dagster's first run in a process costs most of a second.
    dg.materialize([nothing], instance=dg.DagsterInstance.ephemeral())
    # What a load imports late, imported before the fork.
    for module in ("psycopg2.extras", "marts_platform.io_managers.postgres_load"):
        import_module(module)
    defs.resolve_implicit_global_asset_job_def()


def main() -> None:
    """Loads until standard input ends."""
    _warm_up()
    print("ready", flush=True)
    child = 0
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "wait":
            _, status = os.waitpid(child, 0)
            print("ended", os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            _load(*arguments)
            os._exit(0)
        print("started", child, flush=True)


if __name__ == "__main__":
    main()
