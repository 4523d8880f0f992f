"""The steps of the delivery warehouse, each in a process of its own: it prepares, and gives the work."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import date, timedelta
from typing import TYPE_CHECKING

from benchmarks.measure import Finish, Job, NotMeasuredError, Outcome, Work

if TYPE_CHECKING:
    from marts_platform.core.mart import RegisteredMart

# Neither the topics nor Prometheus.
_ASSETS = 'key:"delivery/replica"+'
ROWS = "rows of "
_PATIENCE_SECONDS = 300.0


def generate(job: Job) -> Work:
    """The service's orders, made by SQL in its own database."""
    import psycopg2

    from marts_platform.delivery import demo

    until = date.fromisoformat(job.day)

    def work() -> Finish:
        with closing(psycopg2.connect(job.source)) as connection:
            demo.create_source(connection)
            made = demo.generate_orders(
                connection, orders=job.options["orders"], days=job.options["days"], until=until
            )
        return lambda: Outcome(made.orders + made.pipelines + made.stages + made.deliveries)

    return work


def replicate(job: Job) -> Work:
    """The replica, until it has every row."""
    import psycopg2

    from marts_platform.delivery import replica

    def work() -> Finish:
        replica.create()
        replica.wait_until_copied()
        return finish

    def finish() -> Outcome:
        with closing(psycopg2.connect(job.source)) as connection, connection.cursor() as cursor:
            cursor.execute(
                'SELECT (SELECT count(*) FROM "order") + (SELECT count(*) FROM pipeline) '
                "+ (SELECT count(*) FROM stage) + (SELECT count(*) FROM delivery)"
            )
            (rows,) = cursor.fetchall()[0]
        return Outcome(rows)

    return work


def caught_up(_: Job) -> Work:
    """The replica, until it has what the service has committed.

    How long that takes is the servers' doing: here one server holds all the databases, and the replica's
    sender reads the log of the warehouse's loads as well.
    """
    from marts_platform.delivery import replica_status

    def work() -> Finish:
        if replica_status.status(_PATIENCE_SECONDS).lag_seconds is None:
            raise NotMeasuredError(f"the replica was more than {_PATIENCE_SECONDS:g} s behind")
        return lambda: Outcome(0)

    return work


def load(job: Job) -> Work:
    """Days from the replica to the last mart, as ``marts materialize`` loads them."""
    import dagster as dg

    from marts_platform.dagster_home import use_dagster_home
    from marts_platform.materialization import days_between, materialize

    until = date.fromisoformat(job.day)
    work_of_days = days_between(until - timedelta(days=job.options["days"]), until, _registered())
    use_dagster_home()
    instance = dg.DagsterInstance.get()

    def work() -> Finish:
        results = materialize(work_of_days, instance, with_checks=False)
        parts = {result.asset: result.seconds for result in results}
        parts |= {f"{ROWS}{result.asset}": float(result.rows) for result in results}
        return lambda: Outcome(sum(result.rows for result in results), parts=parts)

    return work


def pending(_: Job) -> Work:
    """Whatever has changed: the look at the source, and the loads of it."""
    import dagster as dg

    from marts_platform.core.mart import MAX_PARTITIONS_PER_RUN
    from marts_platform.core.pending import batches, stages_of
    from marts_platform.core.planning import plan
    from marts_platform.dagster_home import use_dagster_home
    from marts_platform.definitions import RESOURCES
    from marts_platform.materialization import materialize

    use_dagster_home()
    instance = dg.DagsterInstance.get()
    registered = _registered()

    def work() -> Finish:
        began = time.perf_counter()
        found = plan(registered, RESOURCES, 3).pending
        looked = time.perf_counter() - began
        stages = stages_of([each.mart for each in registered])
        results = materialize(batches(found, MAX_PARTITIONS_PER_RUN, stages), instance, with_checks=False)
        parts = {"the look": looked} | {result.asset: result.seconds for result in results}
        return lambda: Outcome(sum(result.rows for result in results), parts=parts)

    return work


def _registered() -> list[RegisteredMart]:
    from marts_platform.materialization import select

    return select(_ASSETS)
