"""A process that loads tables of the shop's replica in children of its own, which may be killed any time.

On standard input: ``load``, answered by ``started PID``; ``wait``, answered by ``ended STATUS``.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from uuid import uuid4


def _load() -> None:
    from marts_platform.core.mart import mart_of
    from marts_platform.core.path import load_slice
    from marts_platform.core.run_log import Run
    from marts_platform.core.window import Slice
    from marts_platform.io_managers.mysql import MySQLIOManager
    from marts_platform.shop.assets import REPLICAS
    from marts_platform.shop.sources import ShopSource

    run, warehouse, source = str(uuid4()), MySQLIOManager(), ShopSource()
    for table in ("orderdetails", "users"):
        mart = mart_of(REPLICAS[table].key).mart
        load_slice(warehouse, mart, Slice(), Run(run, run), lambda table=table: source.rows(table))


def main() -> None:
    """Loads until standard input ends."""
    for module in (
        "marts_platform.shop.assets", "pymysql.cursors", "psycopg2.extras",
        "marts_platform.io_managers.frames", "marts_platform.io_managers.mysql_load",
    ):  # fmt: skip
        import_module(module)
    print("ready", flush=True)
    child = 0
    for line in sys.stdin:
        if line.strip() == "wait":
            _, status = os.waitpid(child, 0)
            print("ended", os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            _load()
            os._exit(0)
        print("started", child, flush=True)


if __name__ == "__main__":
    main()
