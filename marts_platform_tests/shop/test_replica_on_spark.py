"""The replica by way of a Spark cluster is the one that is made without it: row by row, refusals included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

import psycopg2
import pytest
from sqlalchemy.engine import make_url

from marts_platform import settings
from marts_platform.materialization import MaterializationError
from marts_platform.resources import spark
from marts_platform_tests import mysql_servers
from marts_platform_tests.shop import spark_cluster
from marts_platform_tests.shop.replica import REPLICAS, Shop
from marts_platform_tests.shop.spark_cluster import PARTS, Cluster
from marts_platform_tests.shop.test_real_values import quarantine
from marts_platform_tests.shop.test_replica import HOSTILE


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with spark_cluster.running(tmp_path_factory.mktemp("spark")) as running:
        yield running


def test_spark_moves_every_value_as_it_is_and_tells_no_secret(shop: Shop, cluster: Cluster) -> None:
    with psycopg2.connect(shop.url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO products VALUES (-7, %s, %s, -2147483648, -99999999.99, 2147483647, %s)",
            ("ﷺ" * 100, HOSTILE, "9999-12-31 23:59:59.999999"),
        )
        cursor.execute(
            "INSERT INTO products VALUES (901, '', NULL, NULL, NULL, NULL, '1500-01-01 00:00:00.1')"
        )
        cursor.execute(
            "INSERT INTO products VALUES (2000000000, NULL, repeat('x', 300000), 0, 0.01, 0, NULL)"
        )
        cursor.execute("DELETE FROM productcategories")
    connection.close()
    assert sorted(set(shop.load()) & set(REPLICAS)) == sorted(REPLICAS)
    shop.assert_equal()
    read = shop.warehouse.log("rows_read = rows_written")
    assert read and all(read)
    written = cluster.written()
    # Spark did it, in as many parts as it was told.
    assert f"[numPartitions={PARTS}]" in written
    urls = [settings.load().url(name) for name in ("shop_url", "shop_replica_url")]
    passwords = {str(make_url(url).password) for url in urls}
    assert len(passwords) == 2 and not any(password in written for password in passwords)
    assert cluster.session.sparkContext.uiWebUrl is None


def test_all_parts_are_of_one_snapshot(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before, begin = shop.at_source("orderdetails"), spark._job

    def after_a_change(*given: Any) -> AbstractContextManager[None]:
        # The snapshot is taken, and no part of the table is read yet.
        shop.change(
            "DELETE FROM orderdetails WHERE mod(order_detail_id, 2) = 0",
            "UPDATE orderdetails SET quantity = 77",
            "INSERT INTO orderdetails (order_detail_id) SELECT generate_series(1000000, 1000400)",
        )
        return begin(*given)

    monkeypatch.setattr(spark, "_job", after_a_change)
    shop.load(["shop/orderdetails_replica"])
    assert shop.here("orderdetails_replica") == before != shop.at_source("orderdetails")
    monkeypatch.undo()


def test_what_does_not_fit_is_refused_and_readers_keep_what_they_had(shop: Shop) -> None:
    shop.load(["shop/users_replica"])
    before = shop.here("users_replica")
    shop.change("ALTER TABLE users ALTER registration_date TYPE timestamptz")
    with pytest.raises(MaterializationError):
        shop.load(["shop/users_replica"])
    assert shop.here("users_replica") == before
    assert mysql_servers.rows(shop.mysql.replica_owner_url, "SHOW TABLES LIKE '%\\_\\_%'") == []


def test_bad_value_is_quarantined_and_the_rest_arrives(shop: Shop) -> None:
    shop.load(["shop/users_replica"])
    rows = len(shop.here("users_replica"))
    shop.change("UPDATE users SET registration_date = 'infinity' WHERE user_id = 7")
    shop.load(["shop/users_replica"])
    (bad,) = [row for row in shop.here("users_replica") if row[0] == 7]
    assert bad[5] is None and len(shop.here("users_replica")) == rows
    assert [entry[:3] for entry in quarantine(shop, "users")] == [
        ("7", "registration_date is no DATETIME(6)", "infinity")
    ]
    assert mysql_servers.rows(shop.mysql.replica_owner_url, "SHOW TABLES LIKE '%\\_\\_%'") == []
