"""Settings: what is in force, where it comes from, and that a secret never shows."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from marts_platform import settings
from marts_platform.console import MASK, masked, settings_in_force, shown
from marts_platform.embedded.stack import Stack
from marts_platform_tests.settings_reference import DOCUMENT, reference

SECRET = "s3cret-Пароль-%40"  # not a password of anything
URL = f"postgresql://user:{SECRET}@example.invalid:5432/warehouse"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty MARTS_HOME."""
    monkeypatch.setenv("MARTS_HOME", str(tmp_path))
    return tmp_path


def _offer(home: Path, **values: str) -> None:
    (home / "stack.json").write_text(json.dumps({"environment": values}))


def test_environment_before_stack_before_default(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load().start == date(2020, 1, 1)
    assert settings.origin("start") == "default"
    assert settings.origin("warehouse_url") == "not set"
    _offer(home, MARTS_START="2021-02-03", MARTS_WAREHOUSE_URL=URL)
    assert settings.load().start == date(2021, 2, 3)
    assert settings.load().url("warehouse_url") == URL
    assert settings.origin("warehouse_url") == "embedded stack"
    monkeypatch.setenv("MARTS_START", "2022-03-04")
    assert settings.load().start_time == datetime(2022, 3, 4, tzinfo=UTC)
    assert settings.origin("start") == "environment"


def test_what_goes_with_the_demos_data_goes_with_no_engine_of_ones_own(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _offer(home, MARTS_CAMUNDA_URL=URL)
    Stack(home).prefer({"MARTS_CAMUNDA_URL": {"MARTS_CAMUNDA_VARIABLES": "*"}})
    assert settings.load().camunda_variables == ("*",)
    assert settings.origin("camunda_variables") == "embedded stack"
    monkeypatch.setenv("MARTS_CAMUNDA_URL", "postgresql://engine.invalid/camunda")
    assert settings.load().camunda_variables == ("contextData", "docIds")
    assert settings.origin("camunda_variables") == "default"
    monkeypatch.delenv("MARTS_CAMUNDA_URL")
    Stack(home).stop()
    assert settings.load().camunda_variables == ("contextData", "docIds")
    monkeypatch.setenv("MARTS_CAMUNDA_URL", "postgresql://engine.invalid/camunda")
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "mine")
    assert settings.load().camunda_variables == ("mine",)


def test_an_empty_variable_is_no_value(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(home, MARTS_WAREHOUSE_URL=URL)
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", "")
    assert settings.load().url("warehouse_url") == URL
    assert settings.origin("warehouse_url") == "embedded stack"


def test_a_damaged_stack_file_is_named_and_not_shown(home: Path) -> None:
    (home / "stack.json").write_text(f'{{"environment": {{"MARTS_WAREHOUSE_URL": "{URL}"')
    with pytest.raises(settings.SettingsError, match=r"stack\.json cannot be read .*marts up") as fault:
        settings.load()
    assert SECRET not in str(fault.value)


def test_a_missing_url_names_the_variable_and_the_way_out(home: Path) -> None:
    with pytest.raises(settings.SettingsError, match=r"MARTS_WAREHOUSE_URL is not set.*marts up"):
        settings.load().url("warehouse_url")


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MARTS_START", "yesterday", "MARTS_START"),
        ("MARTS_CAMUNDA_TIMEZONE", "Europe/Atlantis", "IANA"),
        ("MARTS_CHAT_TIMEZONE", "Europe/Atlantis", "IANA"),
        ("MARTS_CHAT_CRON", "0 25 * * *", "no time as cron has it"),
        ("MARTS_CAMUNDA_VARIABLES", " , ", "at least one"),
        ("MARTS_LOOKBACK_DAYS", "0", "MARTS_LOOKBACK_DAYS"),
        ("MARTS_SENSOR_INTERVAL_SECONDS", "1", "MARTS_SENSOR_INTERVAL_SECONDS"),
    ],
)
def test_a_bad_value_names_its_variable(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(settings.SettingsError, match=says):
        settings.load()


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("docIds", ("docIds",)),
        (" contextData , docIds,contextData", ("contextData", "docIds")),
        ("docIds,*", ("*",)),
    ],
)
def test_variable_names(
    home: Path, monkeypatch: pytest.MonkeyPatch, value: str, names: tuple[str, ...]
) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", value)
    assert settings.load().camunda_variables == names


def test_every_setting_says_what_it_is() -> None:
    fields = settings.Settings.model_fields
    assert not [name for name, field in fields.items() if not field.description]
    # The UI's address is shown in alerts, so it holds no secret.
    urls = {name: field for name, field in fields.items() if name.endswith("_url") and name != "ui_url"}
    assert not [name for name, field in urls.items() if field.annotation != SecretStr | None]


def test_a_secret_shows_nowhere_but_where_it_is_asked_for(home: Path) -> None:
    _offer(home, MARTS_WAREHOUSE_URL=URL)
    current = settings.load()
    for text in (repr(current), str(current), shown(current.warehouse_url), repr(current.model_dump())):
        assert SECRET not in text
    assert shown(current.warehouse_url) == f"postgresql://user:{MASK}@example.invalid:5432/warehouse"
    assert settings_in_force(current)["MARTS_WAREHOUSE_URL"] == URL


def test_what_env_prints_reads_back_as_the_same_settings(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _offer(home, MARTS_WAREHOUSE_URL=URL, MARTS_CAMUNDA_VARIABLES="a,b", MARTS_COMMIT_MARGIN_SECONDS="2.5")
    before = settings.load()
    for name, value in settings_in_force(before).items():
        monkeypatch.setenv(name, value)
    _offer(home)
    assert settings.load() == before


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{SECRET}@host/db",
        f"postgresql://user:{SECRET}@one:1,two:2/db?target_session_attrs=primary",
        f"postgresql://host/db?user=me&password={SECRET}&sslmode=require",
        f"postgresql:///db?host=/run/postgresql&password={SECRET}",
        f"host=somewhere user=me password={SECRET}",
        f"https://user:{SECRET}@[::1/broken",
        f"http://host/?token={SECRET}",
        SECRET,
    ],
)
def test_masked_hides_the_secret_in_any_form(url: str) -> None:
    assert SECRET not in masked(url)


@given(
    password=st.text("abcXYZ019-._~!$&'()*+,;=%@:", min_size=1),
    database=st.from_regex("[a-z]{1,8}", fullmatch=True),
)
def test_masked_keeps_all_but_the_password(password: str, database: str) -> None:
    url = f"postgresql://reader:{password}@host.invalid:5432/{database}?sslmode=require"
    assert masked(url) == f"postgresql://reader:{MASK}@host.invalid:5432/{database}?sslmode=require"


def test_the_documented_settings_are_the_ones_there_are() -> None:
    assert DOCUMENT.read_text("utf-8") == reference()
