"""The run log forgets what later loads have replaced, and nothing that it is asked for."""

from __future__ import annotations

import pytest

from marts_platform_tests.io_managers.probe import ASSET, DAYS, Probe, row

D1, D2, D3 = DAYS[:3]
# Each kind of entry, once of long ago and once of today; the second day never was loaded.
HISTORY = """
    INSERT INTO ops.etl_run_log (asset, partition_key, run_id, root_run_id, status, rows_written, finished_at)
    SELECT 'probe/readings', key, 'run', 'root', status, 1, now() - make_interval(days => age)
    FROM unnest('{100, 80}'::integer[]) AS age
    CROSS JOIN (VALUES
        ('2024-03-01', 'success', 1), ('2024-03-01', 'failed', 2), ('2024-03-01', 'success', 3),
        ('2024-03-02', 'failed', 4), (NULL, 'killed', 5), (NULL, 'success', 6), (NULL, 'failed', 7)
    ) AS entry (key, status, place)
    ORDER BY age DESC, place
"""


def entries(probe: Probe) -> list[tuple[str | None, str, int]]:
    """Partition, status and age in days of the entries, oldest first."""
    return probe.warehouse.log("partition_key, status, (now()::date - finished_at::date)")


@pytest.mark.parametrize("days", ["90", "0"])
def test_the_log_forgets_old_loads_that_a_later_one_has_replaced(
    probe: Probe, monkeypatch: pytest.MonkeyPatch, days: str
) -> None:
    monkeypatch.setenv("MARTS_RUN_LOG_DAYS", days)
    probe.create()
    probe.feed(row(D3, 1))
    asset = probe.asset()
    probe.warehouse.rows(HISTORY)
    before = entries(probe)
    published = probe.manager.last_published(ASSET)
    failures = probe.manager.failures(ASSET, [D1, D2, None])
    probe.warehouse.rows("ALTER TABLE ops.etl_run_log ALTER COLUMN id RESTART WITH 999")
    probe.load(asset, D3)
    assert entries(probe) == [*before, (D3, "success", 0)]
    probe.load(asset, D3)
    replaced = {(D1, "success", 100), (D1, "failed", 100), (None, "killed", 100), (None, "success", 100)}
    replaced.add((None, "failed", 100))
    kept = [entry for entry in before if days == "0" or entry not in replaced]
    assert entries(probe) == [*kept, (D3, "success", 0), (D3, "success", 0)]
    now = probe.manager.last_published(ASSET)
    assert {key: now[key] for key in published} == published
    assert probe.manager.failures(ASSET, [D1, D2, None]) == failures
