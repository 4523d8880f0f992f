"""An interrupt amid an import: what it leaves of a package, and that `whole` lets it wait."""

from __future__ import annotations

import signal
import sys
import threading
from importlib import import_module
from pathlib import Path

import pytest

from marts_platform.core.imports import whole

# As pandas is made: one module is used as an attribute of the package. The first import is interrupted.
MODULES = {
    "__init__": "import {name}.one\nimport {name}.two\nTOTAL = {name}.one.VALUE + {name}.two.VALUE\n",
    "one": "VALUE = 1\n",
    "two": (
        "import os, signal\n"
        "if os.environ.pop('INTERRUPTED_HERE', None):\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    for _ in range(1000):\n"
        "        pass\n"
        "VALUE = 2\n"
    ),
}


@pytest.fixture
def package(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of such a package."""
    name = f"package_of_{abs(hash(request.node.nodeid))}"
    (tmp_path / name).mkdir()
    for module, text in MODULES.items():
        (tmp_path / name / f"{module}.py").write_text(text.replace("{name}", name))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("INTERRUPTED_HERE", "1")
    return name


def test_a_package_whose_import_was_cut_cannot_be_imported_any_more(package: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        import_module(package)
    with pytest.raises(AttributeError, match="partially initialized module"):
        import_module(package)


def test_an_interrupt_waits_for_the_end_of_an_import(package: str) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        whole(package)
    assert sys.modules[package].TOTAL == 3
    assert signal.getsignal(signal.SIGINT) is handler


def test_another_thread_imports_as_ever(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERRUPTED_HERE")
    thread = threading.Thread(target=whole, args=(package,))
    thread.start()
    thread.join()
    assert sys.modules[package].TOTAL == 3
