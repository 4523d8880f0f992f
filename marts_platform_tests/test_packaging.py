"""What a user installs: the wheel, in an environment of its own, outside the checkout; what it asks for."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from uv import find_uv_bin

ROOT = Path(__file__).resolve().parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

# Distributions that a declared one brings along.
BROUGHT_BY = {
    "backports-zstd": "clickhouse-connect",
    "dagster-shared": "dagster",
    "lz4": "clickhouse-connect",
    "markupsafe": "jinja2",
    "numpy": "pandas",
    "pydantic": "pydantic-settings",
    "starlette": "dagster-webserver",
    "uvicorn": "dagster-webserver",
}


class Installed(NamedTuple):
    """A virtual environment with the wheel in it, and a working folder outside the checkout."""

    wheel: Path
    environment: Path
    folder: Path

    def run(self, *command: str) -> str:
        """Runs a command of the environment in the folder, with no word of the checkout; gives its output."""
        done = subprocess.run(
            [str(self.environment / "bin" / command[0]), *command[1:]],
            cwd=self.folder,
            env={"PATH": os.defpath, "HOME": str(self.folder), "MARTS_HOME": str(self.folder / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def _run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The wheel, built from the source distribution as for a release, and installed.

    The dependencies are those of the running environment: a path in a .pth file. Python does not read the
    .pth files that lie there, among them the one that leads to an editable checkout.
    """
    folder = tmp_path_factory.mktemp("packaging")
    build = (sys.executable, "-m", "hatchling", "build", "-d", folder, "-t")
    _run(*build, "sdist", cwd=ROOT)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as sources:
        sources.extractall(folder / "sources", filter="data")
    (sources_root,) = (folder / "sources").iterdir()
    _run(*build, "wheel", cwd=sources_root)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "venv"
    _run(find_uv_bin(), "venv", "--quiet", "--python", sys.executable, environment, cwd=folder)
    _run(
        find_uv_bin(),
        "pip",
        "install",
        "--quiet",
        "--offline",
        "--no-deps",
        "--python",
        environment,
        wheel,
        cwd=folder,
    )
    (site_packages,) = environment.glob("lib/python*/site-packages")
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), "utf-8")
    return Installed(wheel, environment, folder)


def _files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_installed_package_has_every_file_of_the_checkout(installed: Installed) -> None:
    script = "import marts_platform; print(marts_platform.__path__[0])"
    package = Path(installed.run("python", "-c", script).strip())
    assert package.is_relative_to(installed.environment)

    found = _files_below(package)
    expected = _files_below(ROOT / "marts_platform")
    expected |= {f"sql/{name}": content for name, content in _files_below(ROOT / "sql").items()}
    expected |= {name: (ROOT / name).read_bytes() for name in ("dagster.yaml", "workspace.yaml")}
    assert found.keys() == expected.keys()
    assert found == expected
    assert "py.typed" in found
    assert any(re.fullmatch(r"migrations/versions/\w+\.py", name) for name in found)


def test_the_installed_package_finds_its_files(installed: Installed) -> None:
    script = (
        "import json\n"
        "from marts_platform.core.sql import read_sql, sql_root\n"
        "from marts_platform.dagster_home import shipped\n"
        "read_sql('ops/ddl/etl_run_log.sql')\n"
        "found = [sql_root(), shipped('dagster.yaml'), shipped('workspace.yaml')]\n"
        "print(json.dumps([str(path) for path in found]))\n"
    )
    for path in json.loads(installed.run("python", "-c", script)):
        assert Path(path).is_relative_to(installed.environment), path


def test_the_installed_command_explains_itself(installed: Installed) -> None:
    shown = installed.run("marts", "--help")
    for command in ("up", "down", "status", "env", "seed", "demo", "dev", "materialize", "sql"):
        assert re.search(rf"\b{command}\b", shown), command


def test_the_installed_code_location_loads(installed: Installed) -> None:
    script = (
        "from marts_platform.definitions import defs\n"
        "print(*(key.to_user_string() for key in defs.resolve_all_asset_keys()))\n"
    )
    assert "camunda/process_documents" in installed.run("python", "-W", "ignore", "-c", script).split()


def test_the_wheel_has_the_licence_and_neither_tests_nor_benchmarks(installed: Installed) -> None:
    with ZipFile(installed.wheel) as wheel:
        names = wheel.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"marts_platform"}
    assert {name.rsplit("/", 1)[1] for name in names if "/licenses/" in name} == {"LICENSE", "NOTICE"}


def _requirements(*lists: list[str]) -> dict[str, Requirement]:
    parsed = [Requirement(line) for lines in lists for line in lines]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        ("requirements.lock", [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]),
        ("requirements-bench.lock", PROJECT["dependency-groups"]["bench"]),
        ("requirements-spark.lock", PROJECT["project"]["optional-dependencies"]["spark"]),
    ],
)
def test_the_lock_file_fits(lock: str, asked: list[str]) -> None:
    # Each entry is name==version [; marker] \ and then its hashes; so nothing says where packages come from.
    text = (ROOT / lock).read_text("utf-8")
    entries = re.findall(
        r"^([\w.-]+)==(\S+)(?: ; .+)? \\\n((?: {4}--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.M
    )
    assert sum(1 + hashes.count("\n") for _, _, hashes in entries) == len(text.splitlines())

    locked: dict[str, list[str]] = {}
    for name, version, _ in entries:
        locked.setdefault(canonicalize_name(name), []).append(version)
    for name, requirement in _requirements(asked).items():
        assert name in locked, f"{requirement} is not in {lock}: run make lock"
        for version in locked[name]:
            assert requirement.specifier.contains(version), f"{lock} has {name} {version}: run make lock"


def _imported_distributions(folder: Path) -> set[str]:
    providers = metadata.packages_distributions()
    modules: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                modules |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules.add(node.module.split(".")[0])
    foreign = modules - sys.stdlib_module_names - {"marts_platform", "marts_platform_tests"}
    return {canonicalize_name(name) for module in foreign for name in providers.get(module, [module])}


def test_every_import_of_the_package_is_declared() -> None:
    declared = _requirements(PROJECT["project"]["dependencies"]).keys()
    used = {BROUGHT_BY.get(name, name) for name in _imported_distributions(ROOT / "marts_platform")}
    assert used <= declared, sorted(used - declared)
