"""Whatever is loaded in whatever order, every row of every fact, hourly view and mart is the oracle's."""

from __future__ import annotations

from datetime import timedelta

import pytest

from marts_platform_tests.delivery.service import DAYS, Service
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse


@pytest.mark.parametrize("order", ["one run", "day by day", "reversed"])
def test_any_order_of_loads_gives_what_the_oracle_says(loaded: DeliveryWarehouse, order: str) -> None:
    loaded.look()
    if order == "one run":
        loaded.load(*DAYS)
    else:
        for day in DAYS if order == "day by day" else reversed(DAYS):
            loaded.load(day)
    loaded.expect_what_the_oracle_says()


def test_late_rows_updates_and_retention_deletes_arrive_by_themselves(
    service: Service, loaded: DeliveryWarehouse
) -> None:
    loaded.look()
    loaded.load_pending()
    change_everything(service)
    loaded.look()
    # What is deleted before it was ever read in its last state, nobody can know.
    loaded.load_pending()
    loaded.expect_what_the_oracle_says()
    service.execute("""DELETE FROM "order" WHERE registered_at < %s AND extra IS NULL""", DAYS[1])
    loaded.load_pending(with_checks=True)
    loaded.load_pending()
    assert loaded.load_pending() == []

    # The whole first day goes, as it does after a year.
    service.execute("""DELETE FROM "order" WHERE registered_at < %s""", DAYS[1])
    loaded.load_pending(with_checks=True)
    loaded.expect_what_the_oracle_says()


def change_everything(service: Service) -> None:
    """Rows that come late, restarts days after, updates of the oldest rows, another performer."""
    noon = DAYS[0].isoformat() + " 12:00:00.000001+00"
    service.execute(
        """
        INSERT INTO "order" VALUES ('00000000-0000-0000-0000-00000000000a', gen_random_uuid(),
            gen_random_uuid(), 'late', %s)
        """,
        noon,
    )
    service.execute(
        """
        INSERT INTO pipeline VALUES ('00000000-0000-0000-0000-00000000000b',
            '00000000-0000-0000-0000-00000000000a', 'in_progress', NULL, %s, NULL, NULL)
        """,
        (DAYS[-1] - timedelta(days=1)).isoformat() + " 23:59:59.999999+00",
    )
    service.execute(
        """
        UPDATE stage SET status = 'succeeded', started_at = coalesce(started_at, created_at),
            finished_at = created_at + interval '1 hour'
        WHERE status IN ('pending', 'in_progress') AND created_at < %s
        """,
        DAYS[2],
    )
    service.execute(
        """
        UPDATE pipeline SET status = 'succeeded', finished_at = created_at + interval '2 hours'
        WHERE status = 'in_progress' AND created_at < %s
        """,
        DAYS[1],
    )
    service.execute(
        """
        UPDATE delivery SET performer_id = '00000000-0000-0000-0000-00000000000c', released_at = NULL
        WHERE pipeline_id IN (
            SELECT pipeline_id FROM delivery WHERE performer_id IS NOT NULL ORDER BY pipeline_id LIMIT 20
        )
        """
    )
    service.execute("""UPDATE "order" SET extra = 'retyped' WHERE extra = 'express'""")
