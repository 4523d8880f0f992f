"""The filter in front of every sink: no secret survives it, in no spelling."""

from __future__ import annotations

import html
import json
import logging
import traceback
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from marts_platform import masking, settings
from marts_platform.masking import MASK, cleaned_error, mask, raises_cleaned, raising_cleaned, secrets_of
from marts_platform_tests.resources.test_secrets import everything_of

SECRET = "Geh3im/n is?ü'\"\\x"  # not a password of anything
SECRETS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=4, max_size=20)
SURROUNDINGS = st.text(st.sampled_from("ab:/@'\"\\ \n*%{}=,"), max_size=12)


@given(SECRETS, SURROUNDINGS, SURROUNDINGS)
def test_mask_leaves_no_secret_in_any_spelling(secret: str, before: str, after: str) -> None:
    assume(secret.strip("*"))
    for text in (
        secret,
        unquote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        repr(secret)[1:-1],
        repr(repr(secret)),
        repr(secret.encode()),
        json.dumps({"a": [secret]}),
        json.dumps(json.dumps(secret)),
        html.escape(secret),
    ):
        clean = mask(before + text + after, {secret})
        assert secret not in clean
        assert quote(secret, safe="") not in clean
        assert json.dumps(secret)[1:-1] not in clean


@given(
    st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="'\""), min_size=4, max_size=20),
    st.sampled_from(["postgresql", "postgresql+psycopg2", "mysql", "http", "x"]),
)
def test_mask_knows_passwords_of_any_url(password: str, scheme: str) -> None:
    assume(password.strip("*") and password not in f'invalid dsn: "{scheme}://u:{MASK}@host.invalid/db"')
    clean = mask(f'invalid dsn: "{scheme}://u:{password}@host.invalid:5432/db" near', ())
    assert password not in clean and "host.invalid" in clean


@pytest.mark.parametrize(
    "text",
    [
        f"connect(host='h', password='{SECRET.replace(chr(39), '')}')",
        "{'user': 'u', 'password': 'Geh3im'}",
        '{"sasl.password": "Geh3im"}',
        "host=h user=u password=Geh3im dbname=d",
        "GET /?access_token=Geh3im&page=2 HTTP/1.1",
        "Authorization: Bearer Geh3imGeh3im",
        "see postgresql://u:Geh3im word@h/d, and go on",
    ],
)
def test_mask_knows_names_of_secrets(text: str) -> None:
    assert "Geh3im" not in mask(text, ())


@pytest.mark.parametrize(
    "text",
    [
        "connection to server at 127.0.0.1, port 5432 failed: role u",
        "http://127.0.0.1:8123 did not answer",
        "Access denied for user 'u'@'h' (using password: YES)",
        "camunda/act_hi_detail of 2024-03-01",
    ],
)
def test_mask_leaves_other_texts(text: str) -> None:
    assert mask(text, ()) == text


def test_secrets_are_those_of_every_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    given_values = {
        "MARTS_WAREHOUSE_URL": "postgresql+psycopg2://u:warehouse-pw@h/d",
        "MARTS_CAMUNDA_URL": "u:camunda-pw@h/d",
        "MARTS_SHOP_URL": "host=h password=shop-pw",
        "MARTS_CRM_TOKEN": "crm-token",
        "MARTS_KAFKA_OPTIONS": "security.protocol=SASL_SSL sasl.password=kafka-pw",
        "MARTS_ALERT_WEBHOOK_URL": "https://hooks.example/services/T0/hook-secret",
        "MARTS_PROMETHEUS_URL": "http://u:prom%2Fpw@h:9090",
    }
    for name, value in given_values.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(settings.SettingsError):
        settings.load()
    text = (
        "warehouse-pw camunda-pw shop-pw crm-token kafka-pw /services/T0/hook-secret prom/pw "
        "prom%2Fpw prom%2fpw SASL_SSL"
    )
    clean = masking.masked(text)
    assert clean.replace(MASK, "").split() == ["/", "SASL_SSL"]


def test_secrets_of_the_stack_are_masked(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    (settings.Path(str(tmp_path)) / "stack.json").write_text(
        json.dumps(
            {
                "environment": {"MARTS_CHAT_URL": "mysql://u:chat-pw@h/d"},
                "owners": {"chat": "mysql://root:owner-pw@h/d"},
                "servers": {"mysql": {"passwords": {"x": "server-pw"}}},
            }
        )
    )
    monkeypatch.setenv("MARTS_HOME", str(tmp_path))
    assert masking.masked("chat-pw owner-pw server-pw") == " ".join([MASK] * 3)


def test_short_secret_is_masked_in_urls_only() -> None:
    assert secrets_of(frozenset({("chat_url", "mysql://u:ab@h/d")})) >= set[str]()
    assert mask("mysql://u:ab@h/d about", secrets_of(frozenset({("chat_url", "mysql://u:ab@h/d")}))) == (
        f"mysql://u:{MASK}@h/d about"
    )


def _failing() -> None:
    try:
        raise ValueError(f"first {SECRET}")
    except ValueError as error:
        raise RuntimeError(f"second {SECRET}") from error


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret is one of the settings'."""
    monkeypatch.setenv("MARTS_CRM_TOKEN", SECRET)


@pytest.mark.usefixtures("configured")
def test_cleaned_error_keeps_types_and_frames_and_no_secret() -> None:
    def steps():  # noqa: ANN202 # a generator
        yield 1
        _failing()

    for run in (raises_cleaned(_failing), lambda: list(raising_cleaned(steps()))):
        with pytest.raises(Exception, match="second") as raised:
            run()
        shown = everything_of(raised.value)
        assert type(raised.value).__name__ == "RuntimeError"
        assert "_failing" in shown and f"first {MASK}" in shown
        assert SECRET not in shown and repr(SECRET)[1:-1] not in shown


@pytest.mark.usefixtures("configured")
def test_cleaned_error_without_anything_to_hide_is_the_same() -> None:
    error = ValueError("nothing to hide")
    assert cleaned_error(error) is error


@pytest.mark.usefixtures("configured")
def test_logs_are_clean_with_tracebacks(caplog: pytest.LogCaptureFixture) -> None:
    masking.clean_logs()
    masking.clean_logs()
    log = logging.getLogger("any.logger")
    log.warning("with %s and %d", SECRET, 1)
    log.warning("broken %d", "no number") if not logging.raiseExceptions else None
    try:
        _failing()
    except RuntimeError:
        log.exception("it failed")
    assert f"with {MASK} and 1" in caplog.text and "second" in caplog.text
    assert SECRET not in caplog.text and traceback.format_exc() == "NoneType: None\n"
