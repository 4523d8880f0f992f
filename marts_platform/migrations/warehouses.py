"""Every warehouse that the settings name, as declared: what `marts migrate` and `marts demo` do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from marts_platform import settings
from marts_platform.core import run_log
from marts_platform.core.faults import said_by
from marts_platform.resources.identity import Slot, is_of_a_driver
from marts_platform.resources.postgres import PostgresResource

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from marts_platform.migrations.runner import Loss


def upgrade(assets_in: Callable[[Slot], Sequence[str]], revision: str = "head") -> Iterator[str]:
    """Brings Postgres to a revision, ClickHouse and MySQL to what is declared; again is harmless.

    Args:
        assets_in: gives the keys of the assets whose tables stand in a place of the settings.
        revision: the Alembic revision of Postgres' schema.

    Yields:
        What was done in a warehouse, as a sentence, when it is done.

    Raises:
        SettingsError: there is no warehouse, it is too old or in use, or it did not answer.
        ClickHouseSchemaError: its tables differ in what no migration may change.
        MySQLSchemaError: so do those of MySQL.
    """
    found = settings.load()
    yield f"The warehouse's schema is at revision {move_postgres(revision)}."
    if found.clickhouse_url is not None:
        from marts_platform.migrations import clickhouse

        changed = clickhouse.upgrade()
        yield f"ClickHouse is as the DDL files declare it; {len(changed)} statements brought it there."
        if revision == "head":
            yield from _registered(Slot("clickhouse", "clickhouse_url"), assets_in)
    if found.shop_replica_url is not None:
        from marts_platform.migrations import mysql

        changed = mysql.upgrade()
        yield f"MySQL is as the DDL files declare it; {len(changed)} statements brought it there."
        if revision == "head":
            yield from _registered(Slot("mysql", "shop_replica_url"), assets_in)


def _registered(slot: Slot, assets_in: Callable[[Slot], Sequence[str]]) -> Iterator[str]:
    """Note in the run log which warehouse stands in a place, and say so if the log has not met it before.

    Loads that were recorded before warehouses had identities went into the first one.
    """
    identity, name = slot.identity(), settings.variable(slot.setting)
    with PostgresResource(setting="warehouse_url").connect(purpose="migrate") as connection:
        known = [one for one in run_log.known_warehouses(connection) if one.setting == slot.setting]
        adopted = run_log.adopt(connection, identity, assets_in(slot)) if not known else 0
        if identity not in {one.id for one in known}:
            run_log.register_warehouse(
                connection, run_log.KnownWarehouse(identity, slot.engine, slot.setting)
            )
        connection.commit()
    if adopted:
        yield f"The run log's {adopted} entries of {name} belong to this warehouse, {identity}."
    elif known and identity not in {one.id for one in known}:
        yield (
            f"{name} names another warehouse than before, {identity}: nothing counts as loaded there yet. "
            f"Loads into the earlier one count again once {name} names it."
        )


def identities() -> Iterator[str]:
    """Say of each warehouse beside Postgres which one it is, for `marts status`."""
    found = settings.load()
    for slot in (Slot("clickhouse", "clickhouse_url"), Slot("mysql", "shop_replica_url")):
        if getattr(found, slot.setting) is None:
            continue
        name = settings.variable(slot.setting)
        try:
            yield f"{name} names warehouse {slot.identity()}"
        except settings.ExpectedError as error:
            yield str(error)
        except Exception as error:
            if not is_of_a_driver(error):
                raise
            yield f"{name} names a warehouse that does not answer"


def move_postgres(revision: str, *, is_upgrade: bool = True) -> str:
    """Brings Postgres' schema up or down to a revision, and returns the one that it has reached.

    Raises:
        SettingsError: there is no warehouse, it is too old or in use, or it did not answer.
    """
    from marts_platform.migrations import runner

    move = runner.upgrade if is_upgrade else runner.downgrade
    with _explained():
        return move(settings.load().url("warehouse_url"), revision)


def downgrade_loss(revision: str) -> Loss:
    """Return what a downgrade of Postgres' schema would drop; nothing is changed.

    Raises:
        SettingsError: there is no warehouse, no such revision, or it is in use, or it did not answer.
    """
    from marts_platform.migrations import runner

    with _explained():
        return runner.loss_of(settings.load().url("warehouse_url"), revision)


@contextmanager
def _explained() -> Generator[None]:
    from sqlalchemy.exc import OperationalError

    from marts_platform.migrations import runner

    try:
        yield
    except (runner.WarehouseTooOldError, runner.WarehouseInUseError, runner.RevisionError) as error:
        raise settings.SettingsError(str(error)) from error
    except OperationalError as error:
        variable = settings.variable("warehouse_url")
        raise settings.SettingsError(
            f"the warehouse of {variable} did not answer: {said_by(error.orig or error)}. "
            f"`marts up postgres` starts the embedded one, `marts status` lists all servers"
        ) from error
