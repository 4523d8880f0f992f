"""The metrics of the delivery service's prober, from Prometheus."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.core.audit import Audit
from marts_platform.core.mart import mart
from marts_platform.core.partitions import DAILY
from marts_platform.core.path import Extract, Replace
from marts_platform.core.pending import SourceState
from marts_platform.core.sensors import source_sensor
from marts_platform.core.time_limit import until_over, within
from marts_platform.core.window import Slice, Window
from marts_platform.delivery.assets.ods import FRESHNESS
from marts_platform.resources.prometheus import Grid, PrometheusResource, duration, milliseconds, selector
from marts_platform.resources.prometheus_samples import Kind, Samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marts_platform.core.pending import Key
    from marts_platform.core.run_log import Published
    from marts_platform.resources.prometheus import Prometheus
    from marts_platform.settings import Settings

METRICS: Mapping[str, Kind] = {
    "prober_create_orders_total": Kind.COUNTER,
    "prober_create_orders_success_total": Kind.COUNTER,
    "prober_create_orders_fail_total": Kind.COUNTER,
    "prober_cancel_orders_total": Kind.COUNTER,
    "prober_cancel_orders_success_total": Kind.COUNTER,
    "prober_cancel_orders_fail_total": Kind.COUNTER,
    "prober_create_orders_duration_seconds": Kind.GAUGE,
}
# A scrape has its time from its start, and is there once it has ended: after 10 s by default, at the latest.
_SCRAPE = timedelta(seconds=15)


class MetricsSource(dg.ConfigurableResource[Any]):
    """The prober's metrics, read through ``MARTS_PROMETHEUS_URL``."""

    setting: str = "prometheus_url"

    @property
    def server(self) -> PrometheusResource:
        """The Prometheus."""
        return PrometheusResource(setting=self.setting)

    def samples(self, slice_: Slice) -> Extract:
        """A day's samples; today ends at the newest multiple of the refresh that scrapes have passed."""
        assert slice_.window is not None  # the asset is partitioned
        now = settings.load()
        bound = read_bound(datetime.now(UTC), now)
        window = slice_.window.until(bound)
        samples = Samples(
            self.server, METRICS, window, now.metrics_step_seconds, now.source_statement_timeout_seconds
        )
        return Extract(
            samples,
            read_until=None if window == slice_.window else bound,
            scope=scope(now),
            warnings=samples.warnings,
            rejected=samples.rejected,
            fingerprint=lambda: f"samples {samples.seen}",
        )

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Mapping[Key, Published] | None = None
    ) -> SourceState:
        """Which days have samples, by the index, and how many samples some of them have.

        Of a day that has fewer than were loaded, it tells what was loaded: see `state_of`.
        """
        now = settings.load()
        bound = read_bound(datetime.now(UTC), now)
        days = (
            [Window.of_day(day) for day in Window(now.start_time, bound).days()]
            if bound > now.start_time
            else []
        )
        states: dict[str | None, str] = {}
        with self.server.connect(within(now.source_probe_timeout_seconds)) as server:
            for slice_ in until_over(slices):
                assert slice_.window is not None
                found = count(server, slice_.window.until(bound), now.metrics_step_seconds)
                before = published.get(slice_.partition_key) if published else None
                states[slice_.partition_key] = state_of(found, scope(now), before and before.fingerprint)
            with_rows = [day.start.date().isoformat() for day in days_with_samples(server, days)]
        return SourceState(frozenset(with_rows), states, scope(now))


def read_bound(moment: datetime, now: Settings) -> datetime:
    """Up to where the open day is read: a later bound would make it new with every look."""
    refresh = now.metrics_refresh_seconds
    return datetime.fromtimestamp((moment - _SCRAPE).timestamp() // refresh * refresh, UTC)


def scope(now: Settings) -> str:
    """What decides which samples come: another step makes every day stale."""
    return f"{len(METRICS)} metrics every {now.metrics_step_seconds} s"


def state_of(samples: int, scope: str, published: str | None) -> str:
    """The state of a day, as the loaded one tells it.

    Args:
        samples: how many Prometheus has of it.
        scope: what decides which samples come.
        published: the state that was loaded last, None if the day never was. Prometheus forgets its oldest
            samples (after 15 days by default): fewer of them under the same scope are no news.
    """
    loaded = re.fullmatch(rf"samples (\d+); {re.escape(scope)}", published or "")
    if published is not None and loaded is not None and samples < int(loaded[1]):
        return published
    return f"samples {samples}; {scope}"


def count(server: Prometheus, window: Window | None, step_seconds: int) -> int:
    """How many samples a window has on the grid; Prometheus counts them."""
    grid = Grid.of(window, step_seconds) if window else None
    if not grid:
        return 0
    # One millisecond more: from Prometheus 3 on a range is open at its older end.
    span = duration(grid.last - grid.first + 1)
    counted = f"sum_over_time(count({selector(*METRICS)})[{span}:{duration(grid.step)}])"
    found = server.query(counted, grid.last)
    return round(found[0].points[0][1]) if found else 0


def days_with_samples(server: Prometheus, days: Sequence[Window]) -> list[Window]:
    """The days for which the index names a series, found by halves: long silences cost one question."""
    if not days:
        return []
    first, last = milliseconds(days[0].start.timestamp()), milliseconds(days[-1].end.timestamp()) - 1
    if not server.has_series(selector(*METRICS), first, last):
        return []
    if len(days) == 1:
        return list(days)
    middle = len(days) // 2
    return days_with_samples(server, days[:middle]) + days_with_samples(server, days[middle:])


@mart(
    asset="delivery/fact_metrics",
    ddl="delivery/ddl/clickhouse/fact_metrics.sql",
    publication=Replace("at"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    audits=[
        Audit(
            "one_sample_a_time",
            "delivery/metrics/fact_metrics_unique.sql",
            "No series has two samples at one time.",
        ),
        Audit(
            "counters_grow",
            "delivery/metrics/fact_metrics_growth.sql",
            "No counter grew by less than nothing, and only counters grew.",
        ),
        Audit(
            "nothing_forgotten",
            "delivery/metrics/fact_metrics_forgotten.sql",
            "Every series has samples in each hour in which it had some before: what Prometheus has "
            "forgotten since then, or does not answer now, stays here.",
        ),
    ],
    source="prometheus",
    kinds=("clickhouse", "prometheus"),
    pool="prometheus",
    freshness=FRESHNESS,
)
def fact_metrics(slice_: Slice, prometheus: MetricsSource) -> Extract:
    """A day's samples of the prober's metrics."""
    return prometheus.samples(slice_)


delivery_metrics_changes = source_sensor(
    "delivery_metrics_changes",
    [fact_metrics],
    lookback=settings.load().lookback_days,
    interval_seconds=settings.load().sensor_interval_seconds,
    swept=settings.load().swept_days,
    description="Compares the newest days in Prometheus, and a few older ones in turn, with the warehouse, "
    "and loads those that differ.",
)
