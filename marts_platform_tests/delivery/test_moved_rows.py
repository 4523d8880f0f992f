"""Rows of the service that move to another day: every table and mart ends as the oracle says."""

from __future__ import annotations

from datetime import date
from random import Random

from marts_platform_tests.delivery.service import DAYS, Service
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse

MOVES = {
    "order": "UPDATE \"order\" SET registered_at = registered_at + %s * interval '1 day' WHERE id = ANY(%s)",
    "pipeline": "UPDATE pipeline SET created_at = created_at + %s * interval '1 day' WHERE id = ANY(%s)",
    "stage": "UPDATE stage SET created_at = created_at + %s * interval '1 day' WHERE id = ANY(%s)",
}
COLUMNS = {"order": "registered_at", "pipeline": "created_at", "stage": "created_at"}


def move(service: Service, table: str, first: date, last: date, count: int, random: Random) -> None:
    """Moves some rows of a day to another one, at the same hour."""
    rows = [row for row in service.table(table) if row[COLUMNS[table]].date() == first]
    keys = [row["id"] for row in random.sample(rows, min(count, len(rows)))]
    service.connection.execute(MOVES[table].encode(), ((last - first).days, keys))


def rest(loaded: DeliveryWarehouse) -> None:
    """Loads what is pending until nothing is."""
    for _ in range(4):
        if not loaded.load_pending():
            return
    raise AssertionError("it never comes to rest")


def test_rows_that_move_and_some_that_come_back_end_on_their_day(
    service: Service, loaded: DeliveryWarehouse
) -> None:
    """Only the new day is loaded before some rows come back: their old day looks as it was at the source."""
    random = Random(3)
    loaded.load(*DAYS)
    # Orders move to a day after their pipelines, and none of the first day is left.
    before = {table: service.table(table) for table in MOVES}
    move(service, "order", DAYS[0], DAYS[2], 1000, random)
    move(service, "order", DAYS[1], DAYS[0], 20, random)
    move(service, "pipeline", DAYS[0], DAYS[2], 30, random)
    move(service, "stage", DAYS[1], DAYS[2], 30, random)
    loaded.look()
    loaded.load(DAYS[2])
    rest(loaded)
    loaded.expect_what_the_oracle_says()
    move(service, "stage", DAYS[0], DAYS[2], 30, random)
    loaded.load(DAYS[2])
    for table, rows in before.items():
        column = COLUMNS[table]
        with service.connection.cursor() as cursor:
            cursor.executemany(
                f'UPDATE "{table}" SET {column} = %s WHERE id = %s'.encode(),
                [(row[column], row["id"]) for row in rows],
            )
    loaded.look()
    rest(loaded)
    loaded.expect_what_the_oracle_says()
