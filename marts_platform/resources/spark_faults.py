"""What went wrong in Spark, in a few words: Java's answer is pages long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marts_platform.core.faults import PassingFault

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 1000


class SparkError(Exception):
    """Spark could not do what was asked of it; another try would end the same."""


class SparkJobError(PassingFault):
    """A job of Spark's was aborted.

    Both servers had answered just before and a table of texts takes every value, so it is worth another try:
    a connection that ended, an executor that was lost.
    """


def shown(error: BaseException) -> str:
    """A fault's own words, without the places in the code that it came by."""
    java: Any = getattr(error, "java_exception", None)
    text = str(java.toString()) if java is not None else str(error)
    kept = (line.strip() for line in text.splitlines())
    return " ".join(line for line in kept if line and not line.startswith(("at ", "...", "Driver stack")))


def fault_of(error: BaseException, what: str, secrets: Sequence[str]) -> Exception | None:
    """Spark's fault as one of ours; None for any other."""
    if type(error).__module__.split(".")[0] not in ("py4j", "pyspark"):
        return None
    text = shown(error)
    for secret in filter(None, secrets):
        text = text.replace(secret, "********")
    kind = SparkJobError if "Job aborted" in text else SparkError
    return kind(f"{what}: {text[:_LONGEST]}")
