"""Chains of Dagster runs: which runs go on from which, so that what one has published the next can skip."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marts_platform.core.run_log import Run

if TYPE_CHECKING:
    from collections.abc import Mapping

    import dagster as dg

PARENT_RUN_TAG = "dagster/parent_run_id"
# What goes on where its chain of runs stopped: Dagster's own retries, and the UI's re-execution from failure.
# A re-execution of everything is another wish: it loads again what was loaded.
_RESUME_TAGS = ("dagster/is_resume_retry", "dagster/is_asset_resume_retry")


def resumes(tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags goes on where its parent stopped."""
    return PARENT_RUN_TAG in tags and any(tags.get(tag) == "true" for tag in _RESUME_TAGS)


def run_of(run: dg.DagsterRun, instance: dg.DagsterInstance) -> Run:
    """A run, with the first of its chain: the nearest ancestor that goes on from no other run.

    Dagster's own root is the first of all ancestors. A re-execution of everything has it too, although it
    loads anew what that one has published.
    """
    first_id, ancestor = run.run_id, run
    # One that was deleted counts as the first: at worst something is loaded again.
    while ancestor is not None and resumes(ancestor.tags):
        first_id = ancestor.tags[PARENT_RUN_TAG]
        ancestor = instance.get_run_by_id(first_id)
    return Run(run.run_id, first_id)
