"""The platform's schema in a private stack's warehouses: what measurements of the platform start from."""

from __future__ import annotations

from benchmarks.measure import Finish, Job, Outcome, Work


def migrate(_: Job) -> Work:
    """What ``marts migrate`` does; moves nothing."""
    from marts_platform.demonstration import assets_in
    from marts_platform.migrations import warehouses

    def work() -> Finish:
        for _said in warehouses.upgrade(assets_in):
            pass
        return lambda: Outcome(0)

    return work
