"""The original process's algorithm, as it was: a CSV file, a loop over pandas groups, one INSERT a row.

It is right about little (each of its faults is a test of this project) and is here for its cost. Where it
would have died (an empty list of documents, another shape, an empty text) it is made to go on with NULL.
"""

from __future__ import annotations

import json
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2

from benchmarks.camunda.contenders import bounds, count
from benchmarks.measure import Finish, Job, Outcome, Work

if TYPE_CHECKING:
    import pandas as pd

_READ = """
    COPY (
        SELECT proc_inst_id_, text_, name_, time_
        FROM act_hi_detail
        WHERE time_ > {after} AND time_ < {before} AND text_ IS NOT NULL
            AND name_ IN ('contextData', 'docIds')
    ) TO STDOUT (FORMAT csv, HEADER)
"""
_CREATE = (
    "CREATE TABLE process_documents (proc_inst_id_ text, doc_id text, context_data text, time_ timestamp)"
)
_INSERT = "INSERT INTO process_documents (doc_id, proc_inst_id_, context_data, time_) VALUES (%s, %s, %s, %s)"


def original(job: Job) -> Work:
    """The original algorithm; beyond the option ``limit`` (seconds in its loop) the rest is extrapolated."""
    import pandas as pd

    limit = float(job.options.get("limit", 180))
    path = Path(job.scratch) / "details.csv"
    with closing(psycopg2.connect(job.warehouse)) as target, target, target.cursor() as cursor:
        cursor.execute(_CREATE)

    def work() -> Finish:
        marks = [time.perf_counter()]
        _copy_to_file(job, path)
        frame = pd.read_csv(path, encoding="utf-8")
        marks.append(time.perf_counter())
        made, done = transform(frame, marks[-1] + limit)
        marks.append(time.perf_counter())
        _insert(job, made)
        marks.append(time.perf_counter())
        read, loop, insert = (later - earlier for earlier, later in zip(marks, marks[1:], strict=False))
        parts = {"copy and read": read, "groupby loop": loop / done, "inserts": insert / done}
        note = "only values in text_, as it did"
        if done < 1:
            note += f"; measured on {done:.0%} of the processes and scaled"
        return lambda: Outcome(count(job.warehouse, "process_documents"), sum(parts.values()), note, parts)

    return work


def _copy_to_file(job: Job, path: Path) -> None:
    # The original writes the file on the source's host, for which it needs to be a superuser there.
    after, before = bounds(job)
    statement = _READ.format(after=f"'{after}'", before=f"'{before}'")
    with (
        closing(psycopg2.connect(job.source)) as source,
        source.cursor() as cursor,
        path.open("w", encoding="utf-8") as file,
    ):
        cursor.copy_expert(statement, file)


def transform(frame: pd.DataFrame, deadline: float) -> tuple[pd.DataFrame, float]:
    """The mart's rows, and the share of the processes that were done by the deadline."""
    import pandas as pd

    made: list[dict[str, Any]] = []
    groups = frame.groupby("proc_inst_id_")
    for process, group in groups:
        # Each part is cut out of the group as a frame of its own, and one of its rows is drawn by lot.
        context = group[group["name_"] == "contextData"]
        documents = group[group["name_"] == "docIds"]
        made.append(
            {
                "doc.id": None if documents.empty else _first_document(_drawn(documents)),
                "proc_inst_id_": process,
                "contextData": None if context.empty else _drawn(context),
                "time_": group["time_"].max(),
            }
        )
        if len(made) % 500 == 0 and time.perf_counter() > deadline:
            break
    return pd.DataFrame(made), len(made) / max(len(groups), 1)


def _drawn(part: pd.DataFrame) -> Any:
    return part["text_"].sample(n=1).to_numpy()[0]


def _first_document(text: Any) -> Any:
    try:
        first = json.loads(text.replace('""', '"'))["report.AttachedDocuments"][0]["doc.id"]
    except (ValueError, LookupError, TypeError, AttributeError):
        return None
    return first if isinstance(first, str | int | float) else None


def _insert(job: Job, made: pd.DataFrame) -> None:
    with closing(psycopg2.connect(job.warehouse)) as target, target, target.cursor() as cursor:
        for _, row in made.iterrows():
            cursor.execute(_INSERT, (row["doc.id"], row["proc_inst_id_"], row["contextData"], row["time_"]))
