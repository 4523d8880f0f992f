"""A chart's query, run at its engine: rows, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from marts_platform.resources import queries
from marts_platform.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from marts_platform.page.charts import Chart

_SECONDS = 60


class Absence(StrEnum):
    """Why a chart has nothing to draw."""

    NOT_SET = "not set"
    NOT_BUILT = "not built"
    EMPTY = "empty"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine answered to a chart's query.

    Attributes:
        columns: their names.
        rows: their values.
        absence: why there are no rows.
        reason: of a failure, in the engine's words.
    """

    columns: Sequence[str] = ()
    rows: Sequence[Sequence[Any]] = ()
    absence: Absence | None = None
    reason: str = ""


def answer_to(chart: Chart, now: datetime) -> Answer:
    """Runs a chart's query; whatever goes wrong is an answer too, so that one chart does not cost the others.

    Args:
        chart: what is asked.
        now: bound as ``now`` where the query takes it.
    """
    try:
        columns, rows = queries.run(chart.engine, chart.file, {"now": now}, "report", _SECONDS)
    except SettingsError:
        return Answer(absence=Absence.NOT_SET)
    except queries.QueryFailedError as error:
        if error.is_missing:
            return Answer(absence=Absence.NOT_BUILT)
        return Answer(absence=Absence.FAILED, reason=str(error).strip().split("\n")[0][:300])
    return Answer(columns, rows, absence=None if rows else Absence.EMPTY)
