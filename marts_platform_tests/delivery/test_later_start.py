"""``MARTS_START`` set to a later day: earlier days stay as they are, and the rest loads."""

from __future__ import annotations

import pytest

from marts_platform_tests.delivery.service import DAYS
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse
from marts_platform_tests.marts import start_on


def test_later_start_leaves_earlier_days_of_every_mart_alone(
    loaded: DeliveryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded.load_pending()
    assert loaded.service.execute("UPDATE delivery SET cost = cost + 1 WHERE cost IS NOT NULL") > 100
    start_on(DAYS[1], monkeypatch)
    results = loaded.load_pending(with_checks=True)
    days = {key for result in results for key in result.loaded if key}
    assert days == {day.isoformat() for day in DAYS[1:]}
    assert {"delivery/deliveries", "delivery/fact_deliveries"} <= {result.asset for result in results}
    assert loaded.load_pending() == []
