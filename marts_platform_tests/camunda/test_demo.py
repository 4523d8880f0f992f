"""The demo source: what it says it holds is there, and its own oracle agrees with it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.errors
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marts_platform.camunda import demo
from marts_platform.camunda.demo.generated import plan_history
from marts_platform.camunda.demo.schema import INDEXES
from marts_platform.embedded.stack import Stack
from marts_platform_tests import databases

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from marts_platform_tests.databases import SourceServer

UNTIL = datetime(2026, 3, 30, 12, 30, tzinfo=UTC)  # the day after Europe put its clocks forward
DAYS = 3
DETAILS = 12_000

# The value columns of one detail a variable instance beside the row that the engine keeps for it.
ORACLE = """
    WITH newest AS (
        SELECT DISTINCT ON (var_inst_id_) *
        FROM act_hi_detail
        WHERE var_inst_id_ IS NOT NULL
            AND (sequence_counter_ = 1
                OR num_nonnulls(text_, text2_, long_, double_, bytearray_id_) > 0 OR var_type_ = 'null')
        ORDER BY var_inst_id_, sequence_counter_ DESC
    )
    SELECT
        count(*) FILTER (
            WHERE (d.proc_inst_id_, d.execution_id_, d.name_, d.var_type_)
                    IS NOT DISTINCT FROM (v.proc_inst_id_, v.execution_id_, v.name_, v.var_type_)
                AND (d.text_, d.text2_, d.long_, d.double_)
                    IS NOT DISTINCT FROM (v.text_, v.text2_, v.long_, v.double_)
                AND (db.bytes_ IS NOT DISTINCT FROM vb.bytes_
                    OR d.bytearray_id_ IS NOT NULL AND db.id_ IS NULL)
                AND (d.bytearray_id_ IS NULL) = (v.bytearray_id_ IS NULL)
        ),
        count(*)
    FROM act_hi_varinst AS v
    FULL JOIN newest AS d ON d.var_inst_id_ = v.id_
    LEFT JOIN act_ge_bytearray AS db ON db.id_ = d.bytearray_id_
    LEFT JOIN act_ge_bytearray AS vb ON vb.id_ = v.bytearray_id_
"""

CONTENT = """
    SELECT md5(string_agg(row_text, E'\\n' ORDER BY row_text COLLATE "C")) FROM (
        SELECT act_hi_detail::text FROM act_hi_detail
        UNION ALL SELECT act_hi_varinst::text FROM act_hi_varinst
        UNION ALL SELECT act_hi_procinst::text FROM act_hi_procinst
        UNION ALL SELECT act_ge_bytearray::text FROM act_ge_bytearray
    ) AS everything (row_text)
"""


@contextmanager
def empty_source(stack: Stack) -> Generator[Connection]:
    owner = stack.owner_url("camunda")
    with (
        databases.scratch_database(owner, databases.user_of(owner)) as name,
        closing(psycopg2.connect(databases.at_database(owner, name))) as connection,
    ):
        demo.create_source(connection)
        yield connection


@pytest.fixture
def source(stack: Stack) -> Iterator[Connection]:
    with empty_source(stack) as connection:
        yield connection


@pytest.fixture(scope="module")
def generated(stack: Stack) -> Iterator[tuple[Connection, demo.GeneratedHistory]]:
    """A generated history, for the tests that only read it."""
    with empty_source(stack) as connection:
        yield connection, generate(connection)


def generate(connection: Connection, **others: Any) -> demo.GeneratedHistory:
    arguments: dict[str, Any] = {"details": DETAILS, "days": DAYS, "until": UNTIL, "seed": 7}
    return demo.generate_history(connection, **{**arguments, **others})


def query(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchall()


def one(connection: Connection, statement: str) -> Any:
    rows = query(connection, statement)
    assert len(rows) == 1
    return rows[0][0] if len(rows[0]) == 1 else rows[0]


def test_the_schema_is_made_once_with_the_engines_indexes(source: Connection) -> None:
    demo.create_source(source)
    found = query(source, "SELECT tablename, indexname FROM pg_indexes WHERE schemaname = 'public'")
    wanted = {(table, name) for table, indexes in INDEXES.items() for name in indexes}
    wanted |= {(table, f"{table}_pkey") for table in INDEXES}
    wanted |= {("act_hi_procinst", "act_hi_procinst_proc_inst_id__key")}
    assert set(found) == wanted
    columns = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'act_hi_detail'"
    assert one(source, columns) == 28


def test_the_platforms_reader_may_read_all_of_it(source_server: SourceServer) -> None:
    demo.seed(source_server.owner_url, scale=0.05, until=UNTIL)
    with closing(psycopg2.connect(source_server.reader_url)) as reader:
        for table in INDEXES:
            assert one(reader, f"SELECT count(*) > 0 FROM {table}") is True


def test_the_real_history_is_loaded_once_and_its_oracle_agrees(source: Connection) -> None:
    assert demo.load_real_history(source) == 1314
    assert demo.load_real_history(source) == 1314
    assert one(source, "SELECT count(*), count(DISTINCT id_) FROM act_hi_detail") == (1314, 1314)
    assert one(source, "SELECT count(*) FROM act_hi_procinst") == 106
    assert one(source, "SELECT count(*) FROM act_hi_detail WHERE type_ = 'FormProperty'") == 30
    assert one(source, ORACLE) == (951, 951)


def test_the_generated_history_agrees_with_its_own_oracle(
    generated: tuple[Connection, demo.GeneratedHistory],
) -> None:
    connection, history = generated
    assert one(connection, ORACLE) == (history.variables, history.variables)


def test_a_removal_is_the_last_detail_and_the_engine_says_deleted(
    generated: tuple[Connection, demo.GeneratedHistory],
) -> None:
    connection, history = generated
    removed = one(
        connection,
        """
        SELECT count(*), count(*) FILTER (WHERE v.state_ = 'DELETED') FROM (
            SELECT DISTINCT ON (var_inst_id_) * FROM act_hi_detail WHERE var_inst_id_ IS NOT NULL
            ORDER BY var_inst_id_, sequence_counter_ DESC
        ) AS d JOIN act_hi_varinst AS v ON v.id_ = d.var_inst_id_
        WHERE num_nonnulls(d.text_, d.text2_, d.long_, d.double_, d.bytearray_id_) = 0
            AND d.var_type_ <> 'null'
        """,
    )
    nulls = sum(rows for case, rows in history.cases.items() if case == "removed (null)")
    assert removed[0] == removed[1] > 0
    deleted = one(connection, "SELECT count(*) FROM act_hi_varinst WHERE state_ = 'DELETED'")
    assert deleted == history.removals >= removed[0] + nulls


def test_the_counts_are_exact(generated: tuple[Connection, demo.GeneratedHistory]) -> None:
    connection, history = generated
    assert history.details == one(connection, "SELECT count(*) FROM act_hi_detail") == DETAILS
    wanted = "SELECT count(*) FROM act_hi_detail WHERE name_ IN ('contextData', 'docIds')"
    assert history.wanted == one(connection, wanted) == DETAILS // 5
    assert history.process_instances == one(connection, "SELECT count(*) FROM act_hi_procinst") == 800
    assert history.byte_arrays == one(connection, "SELECT count(*) FROM act_ge_bytearray")
    assert sum(history.cases.values()) == history.wanted - history.form_properties + one(
        connection, "SELECT count(*) FROM act_hi_detail WHERE name_ = 'formComment'"
    )


def test_every_case_is_there(generated: tuple[Connection, demo.GeneratedHistory]) -> None:
    _, history = generated
    figures = {name: value for name, value in vars(history).items() if isinstance(value, int)}
    assert [name for name, value in figures.items() if value <= 0] == []
    bodies = {case.rsplit(" (", 1)[0] for case in history.cases}
    usual = {
        "good",
        "cut",
        "other_shape",
        "empty_string",
        "null",
        "serialized",
        "not_utf8",
        "unstorable",
        "purged",
    }
    odd = {"no_key", "not_a_list", "id_missing", "id_number", "id_empty", "mixed", "without documents"}
    assert bodies == {
        "removed",
        *(f"contextData {body}" for body in usual),
        *(f"docIds {body}" for body in usual | odd),
    }
    assert {case.rsplit("(", 1)[1] for case in history.cases if "good" in case} == {
        "text)",
        "json)",
        "object)",
    }


@pytest.mark.parametrize(
    ("what", "condition"),
    [
        ("a purged byte array", "d.bytearray_id_ IS NOT NULL AND b.id_ IS NULL"),
        ("bytes of a serialised Java object", "substr(b.bytes_, 1, 2) = '\\xaced'::bytea"),
        ("empty strings in valid JSON", """d.text_ LIKE '%: "",%' AND pg_input_is_valid(d.text_, 'jsonb')"""),
        (
            "escaped quotes in valid JSON",
            r"""d.text_ LIKE '%\\"\\"%' AND pg_input_is_valid(d.text_, 'jsonb')""",
        ),
        ("JSON that jsonb refuses", "d.text_ IS JSON AND NOT pg_input_is_valid(d.text_, 'jsonb')"),
        ("five documents", "regexp_count(d.text_, 'doc.id') = 5"),
        ("another type in a later version", "d.var_type_ <> v.var_type_ AND d.sequence_counter_ < 3"),
        ("no tenant", "d.tenant_id_ IS NULL"),
        ("a tenant", "d.tenant_id_ IS NOT NULL"),
        (
            "a form's value of a wanted name",
            "d.type_ = 'FormProperty' AND d.name_ = 'docIds' AND d.text_ LIKE '%FORM-%'",
        ),
    ],
)
def test_it_holds(generated: tuple[Connection, demo.GeneratedHistory], what: str, condition: str) -> None:
    connection, _ = generated
    found = one(
        connection,
        f"""
        SELECT count(*) FROM act_hi_detail AS d
        LEFT JOIN act_ge_bytearray AS b ON b.id_ = d.bytearray_id_
        LEFT JOIN act_hi_varinst AS v ON v.id_ = d.var_inst_id_
        WHERE {condition}
        """,
    )
    assert found > 0, what


def test_a_variable_set_again_after_its_removal_is_a_new_instance(
    generated: tuple[Connection, demo.GeneratedHistory],
) -> None:
    connection, _ = generated
    again = one(
        connection,
        """
        SELECT count(*) FROM act_hi_varinst AS gone
        JOIN act_hi_varinst AS again USING (execution_id_, name_)
        WHERE gone.state_ = 'DELETED' AND again.id_ <> gone.id_ AND name_ = 'docIds'
            AND again.create_time_ >= (SELECT max(time_) FROM act_hi_detail WHERE var_inst_id_ = gone.id_)
        """,
    )
    assert again >= plan_history(DETAILS, 0.2).recreated > 0


def test_no_scope_has_a_name_twice_at_a_time(generated: tuple[Connection, demo.GeneratedHistory]) -> None:
    connection, _ = generated
    twice = """
        SELECT count(*) FROM (
            SELECT FROM act_hi_varinst WHERE state_ = 'CREATED'
            GROUP BY execution_id_, name_ HAVING count(*) > 1
        ) AS names
    """
    assert one(connection, twice) == 0


def test_times_are_milliseconds_in_the_window_and_in_the_order_of_versions(
    generated: tuple[Connection, demo.GeneratedHistory],
) -> None:
    connection, _ = generated
    first, last = one(connection, "SELECT min(time_), max(time_) FROM act_hi_detail")
    until = UNTIL.replace(tzinfo=None)
    assert until - timedelta(days=DAYS) <= first < last < until
    fine = "SELECT count(*) FROM act_hi_detail WHERE time_ <> date_trunc('milliseconds', time_)"
    assert one(connection, fine) == 0
    back = """
        SELECT count(*) FROM (
            SELECT time_ < lag(time_) OVER (PARTITION BY var_inst_id_ ORDER BY sequence_counter_) AS is_back
            FROM act_hi_detail WHERE var_inst_id_ IS NOT NULL
        ) AS steps WHERE is_back
    """
    assert one(connection, back) == 0
    holes = """
        SELECT count(*) FROM (
            SELECT FROM act_hi_detail WHERE var_inst_id_ IS NOT NULL GROUP BY var_inst_id_
            HAVING count(*) <> max(sequence_counter_) OR min(sequence_counter_) <> 1
        ) AS holes
    """
    assert one(connection, holes) == 0


def test_the_same_arguments_give_the_same_rows_again(
    source: Connection, generated: tuple[Connection, demo.GeneratedHistory]
) -> None:
    connection, history = generated
    before = one(connection, CONTENT)
    assert generate(source) == history
    assert one(source, CONTENT) == before
    # In place, beside another history: the rows go in without the indexes being built anew.
    demo.load_real_history(source)
    assert generate(source) == history
    assert one(source, "SELECT count(*) FROM act_hi_detail") == DETAILS + 1314


def test_seeds_stand_side_by_side_and_differ(source: Connection) -> None:
    few = {"details": 3000}
    assert generate(source, **few).cases != generate(source, **few, seed=8).cases
    assert one(source, "SELECT count(*) FROM act_hi_detail") == 6000
    generate(source, **few, seed=8, days=1)
    assert one(source, "SELECT count(*), count(DISTINCT id_) FROM act_hi_detail") == (6000, 6000)


def test_the_engines_zone_moves_the_local_times_and_nothing_else(source: Connection) -> None:
    few = {"details": 3000}
    utc = generate(source, **few, seed=1)
    berlin = generate(source, **few, seed=1, timezone="Europe/Berlin")
    assert replace(berlin, cases={}) == replace(utc, cases={})
    newest = one(source, "SELECT max(time_) FROM act_hi_detail")
    assert UNTIL.replace(tzinfo=None) < newest < UNTIL.replace(tzinfo=None) + timedelta(hours=2)
    # 2026-03-29 02:00 to 03:00 did not happen in Berlin.
    skipped = (
        "SELECT count(*) FROM act_hi_detail WHERE time_ >= '2026-03-29 02:00' AND time_ < '2026-03-29 03:00'"
    )
    assert one(source, skipped) == 0


def test_a_generation_that_fails_leaves_what_was_there(source: Connection) -> None:
    generate(source, details=3000)
    with pytest.raises(ValueError, match="time zone"):
        generate(source, until=datetime(2026, 1, 1))  # noqa: DTZ001
    with source, source.cursor() as cursor:
        # The details go in near the end, when the indexes are dropped.
        cursor.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''full''; END';"
            "CREATE TRIGGER refuse BEFORE INSERT ON act_hi_detail EXECUTE FUNCTION refuse()"
        )
    with pytest.raises(psycopg2.errors.RaiseException):
        generate(source, details=3000)
    assert one(source, "SELECT count(*) FROM act_hi_detail") == 3000
    assert one(source, "SELECT count(*) FROM pg_indexes WHERE tablename = 'act_hi_detail'") == 15


@given(
    details=st.integers(200, 3_000_000),
    share=st.floats(0.1, 0.9),
    instances=st.none() | st.integers(1, 3_000_000),
)
def test_a_plan_adds_up(details: int, share: float, instances: int | None) -> None:
    plan = plan_history(details, share, instances)
    wanted = (
        plan.contexts
        + plan.documents
        + plan.locals
        + 2 * plan.recreated
        + plan.wanted_updates
        + plan.wanted_forms
    )
    assert wanted == round(details * share)
    assert wanted + plan.others + plan.other_updates + plan.other_forms == details
    assert min(vars(plan).values()) >= 0
    assert plan.recreated <= plan.documents <= plan.instances
    assert plan.contexts <= plan.instances


@pytest.mark.parametrize(("details", "share"), [(50, 0.2), (1000, 0.0), (1000, 1.0), (1000, 0.999)])
def test_too_little_to_generate_is_said(details: int, share: float) -> None:
    with pytest.raises(ValueError, match="too few"):
        plan_history(details, share)
