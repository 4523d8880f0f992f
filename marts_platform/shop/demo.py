"""The shop's demo source: its tables, and generated users, products and orders, the same for a scale."""

from __future__ import annotations

import io
import random
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2

from marts_platform import settings
from marts_platform.core.demo import Demo, Shown, parts
from marts_platform.core.sql import compose
from marts_platform.shop.demo_events import seed_events
from marts_platform.shop.sources import TABLES, replica_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from psycopg2.extensions import connection as Connection

_CREATE = (
    "create_users",
    "create_products",
    "create_productcategories",
    "create_orders",
    "create_orderdetails",
)
USERS, PRODUCTS, ORDERS = 100, 50, 200
_CATEGORIES = (
    ("Electronics", None),
    ("Clothing", None),
    ("Books", None),
    ("Smartphones", 1),
    ("Laptops", 1),
    ("Fiction", 3),
    ("Non-fiction", 3),
)
_FIRST = ("Anna", "Boris", "Chloé", "Dmitri", "Emma", "Farid", "Grace", "Hiroshi", "Ines", "Jürgen")
_LAST = ("Ivanova", "Smith", "Müller", "Garcia", "Tanaka", "O'Neil", "Петрова", "Rossi", "Nowak", "Silva")
_LOYALTY = ("Bronze", "Silver", "Gold", "Platinum")
_STATUS = ("Pending", "Completed", "Cancelled")
_NEWEST = datetime(2025, 6, 1)  # noqa: DTZ001 # the shop's own clock, which has no zone


@dataclass(frozen=True, slots=True)
class GeneratedShop:
    """How much was generated."""

    users: int
    products: int
    orders: int
    lines: int


def create_source(connection: Connection) -> None:
    """Makes the shop's tables where they are missing; the caller's transaction is committed."""
    with connection.cursor() as cursor:
        for file in _CREATE:
            cursor.execute(compose(f"shop/demo/{file}.sql"))
    connection.commit()


def generate_shop(connection: Connection, scale: float = 1.0, seed: int = 1) -> GeneratedShop:
    """Fills the empty tables of a shop; one that has users is left alone.

    Args:
        connection: of the source, its owner's.
        scale: multiplies users, products and orders.
        seed: of what is drawn; the same gives the same shop.
    """
    rows = _rows(scale, seed)
    with connection.cursor() as cursor:
        cursor.execute(compose("shop/raw/users.sql"))
        if cursor.fetchone() is None:
            for table in TABLES:
                _copy(connection, table, rows[table])
    connection.commit()
    return GeneratedShop(*(len(rows[table]) for table in ("users", "products", "orders", "orderdetails")))


def _rows(scale: float, seed: int) -> dict[str, list[tuple[object, ...]]]:
    draw = random.Random(seed)
    users, products, orders = (max(round(count * scale), 1) for count in (USERS, PRODUCTS, ORDERS))
    made = list(_products(draw, products))
    placed: list[tuple[object, ...]] = []
    lines: list[tuple[object, ...]] = []
    for order in range(1, orders + 1):
        at, status = _moment(draw), draw.choice(_STATUS)
        total = 0
        for _ in range(draw.randint(1, 5)):
            product, quantity = draw.choice(made), draw.randint(1, 5)
            price = _cents(product[4])
            total += price * quantity
            lines.append(
                (len(lines) + 1, order, product[0], quantity, _money(price), _money(price * quantity))
            )
        delivered = None if status == "Cancelled" else at + timedelta(days=draw.randint(1, 10))
        placed.append((order, draw.randint(1, users), at, _money(total), status, delivered))
    return {
        "users": list(_users(draw, users)),
        "products": made,
        "productcategories": [(place, *found) for place, found in enumerate(_CATEGORIES, start=1)],
        "orders": placed,
        "orderdetails": lines,
    }


def _users(draw: random.Random, count: int) -> Iterator[tuple[object, ...]]:
    for user in range(1, count + 1):
        phone = f"+{draw.randint(10**9, 10**12)}" + (
            " ext. 123, ask for the evening shift" if user % 10 == 0 else ""
        )
        yield (
            user,
            draw.choice(_FIRST),
            draw.choice(_LAST),
            f"user{user}@example.com",
            phone,
            _moment(draw),
            draw.choice(_LOYALTY),
        )


def _products(draw: random.Random, count: int) -> Iterator[tuple[object, ...]]:
    for product in range(1, count + 1):
        said = f"Product {product}:\tcomes in {draw.randint(1, 9)} colours\nand is made to last."
        price = _money(draw.randint(100, 200_000))
        stock = draw.randint(0, 500)
        yield (product, f"Product {product}", said, draw.randint(1, 7), price, stock, _moment(draw))


def _moment(draw: random.Random) -> datetime:
    return _NEWEST - timedelta(microseconds=draw.randrange(365 * 24 * 3600 * 10**6))


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def _cents(money: object) -> int:
    return int(str(money).replace(".", ""))


def _copy(connection: Connection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    from psycopg2.sql import SQL, Identifier

    names = {
        "stage": Identifier(table),
        "columns": SQL(", ").join(Identifier(column.name) for column in replica_of(table).columns),
        "format": SQL("text"),
    }
    text = "".join("\t".join(map(_text, row)) + "\n" for row in rows)
    with connection.cursor() as cursor:
        cursor.copy_expert(compose("postgres/copy_into_rows.sql", names), io.StringIO(text))


def _text(value: object) -> str:
    if value is None:
        return "\\N"
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _seed(address: Callable[[str], str], scale: float) -> str:
    def tables() -> str:
        with closing(psycopg2.connect(address("shop"))) as connection:
            create_source(connection)
            made = generate_shop(connection, scale)
        orders = f"{made.orders:,} orders of {made.lines:,} lines"
        return f"{made.users:,} users, {made.products:,} products, {orders}"

    def events() -> str:
        written = seed_events(address("kafka"), settings.load().shop_events_topic, scale)
        return f"{written:,} new messages of what users do"

    return parts(tables, events)


DEMO = Demo(
    seed=_seed,
    shown=[
        Shown("mysql", "mydb.product_sales_analytics: what sells best", "shop/demo/mysql/best_products.sql"),
        Shown("postgres", "shop.kafka_events: what users do, and where", "shop/demo/events_by_type.sql"),
    ],
    hints=['marts sql mysql "SELECT * FROM mydb.user_sales_analytics LIMIT 5"'],
)
