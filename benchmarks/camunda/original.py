"""The original process's algorithm, as it was: a CSV file, a loop over pandas groups, one INSERT a row.

It is right about little (each of its faults is a test of this project) and is here for its cost. Where it
would have died, on an empty list of documents or on text that is no JSON, it is made to go on with NULL.
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
        SELECT id_, proc_inst_id_, name_, time_, text_
        FROM act_hi_detail
        WHERE time_ > {after} AND time_ < {before} AND text_ IS NOT NULL
            AND name_ IN ('contextData', 'docIds')
    ) TO STDOUT (FORMAT csv, HEADER)
"""
_CREATE = (
    "CREATE TABLE process_documents (proc_inst_id_ text, doc_id text, context_data text, time_ timestamp)"
)
_INSERT = "INSERT INTO process_documents VALUES (%s, %s, %s, %s)"


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
        frame = pd.read_csv(path)
        frame["text_"] = frame["text_"].str.replace('""', '"', regex=False)
        marks.append(time.perf_counter())
        rows, done = _rows(frame, marks[-1] + limit)
        marks.append(time.perf_counter())
        _insert(job, rows)
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


def _rows(frame: pd.DataFrame, deadline: float) -> tuple[list[tuple[Any, ...]], float]:
    """The mart's rows, and the share of the processes that were done by the deadline."""
    rows: list[tuple[Any, ...]] = []
    groups = frame.groupby("proc_inst_id_")
    for process, group in groups:
        context = group.loc[group["name_"] == "contextData", "text_"]
        documents = group.loc[group["name_"] == "docIds", "text_"]
        rows.append(
            (
                process,
                _first_document(documents.sample(n=1).iloc[0]) if len(documents) else None,
                context.sample(n=1).iloc[0] if len(context) else None,
                group["time_"].max(),
            )
        )
        if len(rows) % 500 == 0 and time.perf_counter() > deadline:
            break
    return rows, len(rows) / max(len(groups), 1)


def _first_document(text: str) -> str | None:
    try:
        return str(json.loads(text)["report.AttachedDocuments"][0]["doc.id"])
    except (ValueError, LookupError, TypeError):
        return None


def _insert(job: Job, rows: list[tuple[Any, ...]]) -> None:
    with closing(psycopg2.connect(job.warehouse)) as target, target, target.cursor() as cursor:
        for row in rows:
            cursor.execute(_INSERT, row)
