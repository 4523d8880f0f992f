"""The check of a day's usual volume, in runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from marts_platform.core.checks import volume_check
from marts_platform.core.run_log import Published
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform_tests.io_managers.probe import ASSET, DAYS, Probe, row


class CountingManager(PostgresIOManager):
    """Notes what is asked of the run log."""

    asked: ClassVar[list[str]] = []

    def last_published(self, asset: str) -> Mapping[str | None, Published]:
        """The last successful load of each partition of an asset."""
        self.asked.append(asset)
        return super().last_published(asset)


def test_the_volume_of_many_days_takes_one_look_at_the_log(probe: Probe) -> None:
    probe.create_partitioned()
    probe.feed(*(row(day, 1) for day in DAYS))
    probe.manager = CountingManager()
    asset = probe.asset()
    check = volume_check(asset, lookback=3)
    result = probe.run([asset, check], DAYS[0], DAYS[9])
    assert result.success
    (evaluation,) = result.get_asset_check_evaluations()
    assert evaluation.passed
    assert evaluation.metadata["partitions_checked"].value == len(DAYS)
    assert CountingManager.asked == [ASSET]
