"""The keyed marts beside an independent oracle, and beside their own definition, after any sequence of loads.

The generated history has every odd value; the small hostile one has few keys and many changes, so that late,
corrected, purged and narrowed rows meet on the same keys all the time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from functools import cache
from random import Random

import pytest

from marts_platform import settings
from marts_platform.embedded.stack import Stack
from marts_platform_tests import databases
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.hostile import HostileHistory
from marts_platform_tests.camunda.loads import Warehouse
from marts_platform_tests.camunda.oracle import RawHistory, Row, current_variables, documents

DETAILS = 3000
DAYS = [date(2024, 3, 9) + timedelta(days=number) for number in range(4)]
UNTIL = datetime(2024, 3, 13, tzinfo=UTC)
WANTED = frozenset({"contextData", "docIds"})
STEPS = 14
KEYS = {"process_variables": "var_inst_id_", "process_documents": "proc_inst_id_"}


def expect_oracle(warehouse: Warehouse, raw: RawHistory, bounds: Collection[str] = ()) -> None:
    rows = raw.rows()
    assert same(warehouse.table("process_variables", "var_inst_id_"), current_variables(rows))
    assert same(warehouse.table("process_documents", "proc_inst_id_"), documents(rows), bounds)


def same(found: dict[str, Row], wanted: dict[str, Row], bounds: Collection[str] = ()) -> bool:
    """Says which values differ, or of the columns that are lower bounds lie above."""
    assert found.keys() == wanted.keys()
    unlike = {
        (key, name): (value, wanted[key][name])
        for key, row in found.items()
        for name, value in row.items()
        if (value > wanted[key][name] if name in bounds else value != wanted[key][name])
    }
    assert not unlike, f"{len(unlike)} values: (found, wanted) of the first: {next(iter(unlike.items()))}"
    return True


def expect_definition(warehouse: Warehouse, bounds: Collection[str] = ()) -> None:
    """Each mart equals its rebuild over all keys of the raw history."""
    for mart, key in KEYS.items():
        rebuilt = warehouse.rebuilt(mart, key)
        assert same(warehouse.table(mart, key), rebuilt, bounds)


@pytest.fixture(scope="session")
def _generated(stack: Stack) -> Iterator[Callable[[int], Engine]]:
    """Engines with a generated history, by seed; tests only read them."""
    with ExitStack() as made:

        @cache
        def generate(seed: int) -> Engine:
            owner = stack.owner_url("camunda")
            name = made.enter_context(databases.scratch_database(owner, databases.user_of(owner)))
            reader = databases.at_database(settings.load().url("camunda_url"), name)
            engine = made.enter_context(Engine.created(databases.at_database(owner, name), reader))
            engine.generate(details=DETAILS, days=len(DAYS), until=UNTIL, seed=seed)
            return engine

        yield generate


@pytest.fixture(params=[1, 2, 3], ids="seed {}".format)
def generated(
    request: pytest.FixtureRequest, _generated: Callable[[int], Engine], monkeypatch: pytest.MonkeyPatch
) -> Engine:
    engine = _generated(request.param)
    monkeypatch.setenv("MARTS_CAMUNDA_URL", engine.reader_url)
    return engine


def shuffled(seed: int) -> list[date]:
    days = [*DAYS, *Random(seed).choices(DAYS, k=5)]
    Random(seed).shuffle(days)
    return days


@pytest.mark.parametrize(
    "days",
    [
        pytest.param(DAYS, id="day by day"),
        pytest.param(DAYS[::-1], id="in reverse"),
        pytest.param(shuffled(1), id="shuffled with repeats"),
    ],
)
def test_a_generated_history_in_any_order_equals_the_oracle(
    generated: Engine, warehouse: Warehouse, days: Sequence[date]
) -> None:
    raw, rows = RawHistory(), generated.details()
    for day in days:
        warehouse.load_bare(day)
        raw.load(day, rows, WANTED)
    expect_oracle(warehouse, raw)
    expect_definition(warehouse)


def test_a_generated_history_in_one_run_equals_the_oracle(generated: Engine, warehouse: Warehouse) -> None:
    raw, rows = RawHistory(), generated.details()
    warehouse.load(DAYS[0], DAYS[-1] + timedelta(days=1))
    for day in DAYS:
        raw.load(day, rows, WANTED)
    expect_oracle(warehouse, raw)
    expect_definition(warehouse)


@pytest.mark.parametrize("generated", [2], indirect=True)
def test_every_variable_of_a_generated_history_equals_the_oracle(
    generated: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "*")
    raw, rows = RawHistory(), generated.details()
    for day in DAYS:
        raw.load(day, rows)
    warehouse.load(DAYS[0], DAYS[-1] + timedelta(days=1))
    expect_oracle(warehouse, raw)
    expect_definition(warehouse)


TIE = {"sequence_counter_": 3, "proc_inst_id_": "P1", "var_inst_id_": "V1"}
OF_COUNTER_3 = '{"report.AttachedDocuments": [{"doc.id": "%s"}]}'
TIES = {
    "on two days": [at(DAYS[0], 23), at(DAYS[1], 1)],
    "within a day": [at(DAYS[0], 9), at(DAYS[0], 10)],
    "at one time": [at(DAYS[0], 9), at(DAYS[0], 9)],
    "at one time, by revision": [at(DAYS[0], 9), at(DAYS[0], 9)],
}


@pytest.mark.parametrize("tie", TIES)
@pytest.mark.parametrize("name", ["docIds", "contextData"])
def test_changes_with_one_counter_have_one_order_in_every_mart(
    engine: Engine, warehouse: Warehouse, tie: str, name: str
) -> None:
    older, newer = TIES[tie]
    # The greater id is the older change's where the revision decides.
    ids, revisions = (("B", "A"), (2, 3)) if "revision" in tie else (("A", "B"), (2, 2))
    engine.write(
        change(older, id_=ids[0], rev_=revisions[0], name_=name, text_=OF_COUNTER_3 % "old", **TIE),
        change(newer, id_=ids[1], rev_=revisions[1], name_=name, text_=OF_COUNTER_3 % "new", **TIE),
    )
    raw, rows = RawHistory(), engine.details()
    for day in (DAYS[1], DAYS[0], DAYS[1], DAYS[0]):
        warehouse.load_bare(day)
        raw.load(day, rows, WANTED)
        expect_oracle(warehouse, raw)
        expect_definition(warehouse)
    assert warehouse.one("SELECT detail_id_ FROM camunda.process_variables") == ids[1]
    column = {"docIds": "doc_ids_detail_id_", "contextData": "context_data_detail_id_"}[name]
    assert warehouse.rows("SELECT * FROM camunda.process_documents")[0][column] == ids[1]


@pytest.mark.parametrize(
    "seed", [*range(1, 4), *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(4, 104))]
)
def test_edits_between_loads_never_part_the_marts_from_the_oracle(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    random = Random(seed)
    history, raw = HostileHistory(engine, DAYS, random), RawHistory()
    history.grow(60)
    bounds = ["first_time_"]  # It stays where it was when the oldest change is gone.
    for step in range(STEPS):
        wanted = random.choice(
            (WANTED, WANTED, WANTED, frozenset({"docIds"}), frozenset({"contextData"}), None)
        )
        monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "*" if wanted is None else ",".join(sorted(wanted)))
        day = random.choice(DAYS)
        warehouse.load_bare(day)
        raw.load(day, engine.details(), wanted)
        try:
            expect_oracle(warehouse, raw, bounds)
            expect_definition(warehouse, bounds)
        except AssertionError as error:
            error.add_note(
                f"after load {step}, of {day} with {sorted(wanted) if wanted else 'all variables'}"
            )
            raise
        edits = (
            history.correct,
            history.restore,
            history.restore,
            history.purge,
            history.purge_partly,
            history.forget_bytes,
            history.rewrite_bytes,
        )
        random.choice(edits)()
        history.grow(random.randrange(12))
