"""A day in two versions at the source: which of them it gives is chosen without a statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from marts_platform_tests.io_managers.clickhouse.probe import BY_MONTH, ClickHouseProbe
from marts_platform_tests.io_managers.probe import DAYS, Row, row

if TYPE_CHECKING:
    from dagster import AssetsDefinition

    from marts_platform.core.window import Slice
    from marts_platform.resources.postgres import CopyOut

D1, D2 = DAYS[:2]
SIZES = {"old": 2000, "new": 1500}
_OTHER = "of another day"
# Rows, sensors among them and moments: what tells a whole version from any other rows.
_COUNTED = "SELECT value, count(), uniqExact(sensor), uniqExact(at) FROM probe.readings GROUP BY value"


@dataclass
class VersionedDay:
    """The day D1, old or new, in a month that has another row on D2.

    Attributes:
        probe: the domain.
        version: what the source gives from now on.
    """

    probe: ClickHouseProbe
    version: str = "old"

    def __post_init__(self) -> None:
        versions: list[Row] = [
            row(D1, sensor, name) for name, size in SIZES.items() for sensor in range(size)
        ]
        self.probe.create(BY_MONTH)
        super(ClickHouseProbe, self.probe).feed(*versions, row(D2, 1, _OTHER))
        self.asset: AssetsDefinition = self.probe.asset(self._stream)
        self.probe.load(self.asset, D1, D2)
        assert self.published() == "old"

    def load(self) -> None:
        """Loads the day."""
        self.probe.load(self.asset, D1)

    def turn(self) -> None:
        """From now on the source has the other version."""
        self.version = "new" if self.version == "old" else "old"

    def published(self) -> str:
        """Which version readers see; anything but one of them, whole, fails."""
        found = {name: counts for name, *counts in self.probe.ask(_COUNTED)}
        assert found.pop(_OTHER, None) == [1, 1, 1], f"the other day has not its one row, beside {found}"
        assert len(found) == 1, f"{found}: neither the old day nor the new one"
        (name,) = found
        assert found[name] == [SIZES[name], SIZES[name], 1]
        return name

    def _stream(self, slice_: Slice) -> CopyOut:
        condition = f"at >= %(start)s AND at < %(end)s AND value IN ('{self.version}', '{_OTHER}')"
        return self.probe.stream(slice_, f"SELECT at, sensor, value FROM probe.feed WHERE {condition}")
