"""Dagster's home: one place, the current configuration in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from marts_platform import settings
from marts_platform.dagster_home import dagster_home, shipped, use_dagster_home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty MARTS_HOME, and no DAGSTER_HOME."""
    monkeypatch.setenv("MARTS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return tmp_path / "home"


def test_it_holds_the_shipped_configuration_and_follows_it(home: Path) -> None:
    assert dagster_home() == home / "dagster"
    present = home / "dagster" / "dagster.yaml"
    assert present.read_bytes() == shipped("dagster.yaml").read_bytes()
    present.write_text("of an older version")
    dagster_home()
    assert present.read_bytes() == shipped("dagster.yaml").read_bytes()
    assert [path.name for path in present.parent.iterdir()] == ["dagster.yaml"]


def test_children_in_other_folders_find_the_same_home(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MARTS_HOME", "home")
    # What use_dagster_home sets is undone after the test.
    monkeypatch.setenv("DAGSTER_HOME", "")
    assert use_dagster_home() == home / "dagster"
    assert os.environ["MARTS_HOME"] == str(home)
    assert os.environ["DAGSTER_HOME"] == str(home / "dagster")


def test_a_home_of_ones_own_is_respected(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert use_dagster_home() == tmp_path
    assert not (home / "dagster").exists()


def test_a_missing_file_is_named() -> None:
    with pytest.raises(settings.SettingsError, match="nothing.yaml is missing"):
        shipped("nothing.yaml")
