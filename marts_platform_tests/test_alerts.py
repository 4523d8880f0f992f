"""Alerts: a run or a blocking check that fails is told of, over real HTTP and SMTP, and no secret with it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from typer.testing import CliRunner

from marts_platform import alerts, settings
from marts_platform.alerts import AlertError
from marts_platform.cli import app
from marts_platform.definitions import defs
from marts_platform.embedded.stack import Stack
from marts_platform.run_launcher import PROCESS_TAG, run_tags
from marts_platform_tests.http_service import Answer, Service, service
from marts_platform_tests.mail_service import MailService, mail_service
from marts_platform_tests.marts import migrated_database, warehouse, warehouse_template
from marts_platform_tests.resources.test_secrets import everything_of

__all__ = ["migrated_database", "warehouse", "warehouse_template"]

DAILY = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")
SECRET = "s3cret"


@dg.asset(key_prefix="shop", partitions_def=DAILY)
def orders() -> None:
    try:
        raise ValueError("the source has no orders")
    except ValueError as error:
        raise dg.Failure("the load failed") from error


@dg.asset(
    key_prefix="shop", check_specs=[dg.AssetCheckSpec("no_gaps", asset=["shop", "stock"], blocking=True)]
)
def stock() -> Iterator[Any]:
    yield dg.MaterializeResult(
        check_results=[dg.AssetCheckResult(passed=False, check_name="no_gaps", metadata={"gaps": 3})]
    )


@dg.asset(deps=[stock])
def sold() -> None:
    pass


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A webhook that takes everything, at an address that is its secret; the settings name it."""
    with service(lambda _: Answer("ok")) as running:
        monkeypatch.setenv("MARTS_ALERT_WEBHOOK_URL", f"{running.url()}/services/{SECRET}")
        yield running


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[MailService]:
    """A mail server that takes everything; the settings name it."""
    with mail_service() as running:
        monkeypatch.setenv("MARTS_ALERT_SMTP_URL", f"smtp://me:{SECRET}%40@127.0.0.1:{running.port}")
        monkeypatch.setenv("MARTS_ALERT_FROM", "marts@example.com")
        monkeypatch.setenv("MARTS_ALERT_TO", "a@example.com, b@example.com")
        yield running


def failed(
    instance: dg.DagsterInstance, asset: dg.AssetsDefinition, partition: str | None = None
) -> dg.RunFailureSensorContext:
    """What the sensor is called with after a run of an asset that failed."""
    result = dg.materialize([asset], instance=instance, partition_key=partition, raise_on_error=False)
    assert not result.success
    event = next(event for event in result.all_events if event.is_run_failure)
    return dg.build_run_status_sensor_context(
        sensor_name="failed_runs",
        dagster_event=event,
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    ).for_run_failure()


def of_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.RunFailureSensorContext:
    """Return the context of a sensor after a failed run."""
    (record,) = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE).records
    event = record.event_log_entry.dagster_event
    assert event is not None
    return dg.build_run_status_sensor_context(
        sensor_name="failed_runs", dagster_event=event, dagster_instance=instance, dagster_run=run
    ).for_run_failure()


def tell(context: dg.RunFailureSensorContext) -> None:
    alerts.failed_runs(context)


def test_a_failed_run_is_told_to_the_webhook(
    webhook: Service, ephemeral_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_UI_URL", "https://dagster.example.com/")
    context = failed(ephemeral_instance, orders, "2024-01-05")
    tell(context)
    (asked,) = webhook.asked
    assert (asked.method, asked.path) == ("POST", f"/services/{SECRET}")
    assert json.loads(asked.body) == {
        "text": "shop/orders of 2024-01-05 failed\n"
        "ValueError: the source has no orders\n"
        f"https://dagster.example.com/runs/{context.dagster_run.run_id}"
    }


def test_a_blocking_check_that_fails_is_told_by_its_name(
    webhook: Service, ephemeral_instance: dg.DagsterInstance
) -> None:
    context = failed(ephemeral_instance, stock)
    tell(context)
    text = json.loads(webhook.asked[0].body)["text"]
    assert text.startswith("shop/stock failed\n")
    assert "no_gaps" in text
    assert text.endswith(f"run {context.dagster_run.run_id}"), "nobody said where the UI is"


def test_a_failed_run_is_told_by_mail(mailbox: MailService, ephemeral_instance: dg.DagsterInstance) -> None:
    tell(failed(ephemeral_instance, orders, "2024-01-05"))
    (mail,) = mailbox.mails
    assert mail["Subject"] == "shop/orders of 2024-01-05 failed"
    assert (mail["From"], mail["To"]) == ("marts@example.com", "a@example.com, b@example.com")
    assert "the source has no orders" in mail.get_payload()
    assert mailbox.logins == [("me", f"{SECRET}@")]


def test_nothing_is_told_while_nothing_is_set(ephemeral_instance: dg.DagsterInstance) -> None:
    assert not alerts.is_configured(settings.load())
    tell(failed(ephemeral_instance, orders, "2024-01-05"))


def test_one_way_that_fails_keeps_no_other_from_being_tried(
    webhook: Service, mailbox: MailService, ephemeral_instance: dg.DagsterInstance
) -> None:
    webhook.answer = lambda _: Answer("no such hook", 404)
    with pytest.raises(AlertError, match="MARTS_ALERT_WEBHOOK_URL answered 404") as raised:
        tell(failed(ephemeral_instance, orders, "2024-01-05"))
    assert len(mailbox.mails) == 1
    assert len(webhook.asked) == 1, "what stays is not tried again"
    assert SECRET not in everything_of(raised.value)


def test_a_fault_that_passes_is_tried_again(
    webhook: Service, mailbox: MailService, ephemeral_instance: dg.DagsterInstance
) -> None:
    webhook.answer = lambda _: Answer("ok", 503 if len(webhook.asked) < 2 else 200)
    mailbox.refuse, mailbox.once = {"MAIL FROM": "451 later"}, True
    tell(failed(ephemeral_instance, orders, "2024-01-05"))
    assert (len(webhook.asked), len(mailbox.mails)) == (2, 1)


def later(instance: dg.DagsterInstance) -> str | None:
    """What the sensor of the messages that wait says after its look."""
    with dg.build_sensor_context(instance=instance, repository_def=defs.get_repository_def()) as context:
        return defs.resolve_sensor_def("untold_runs").evaluate_tick(context).skip_message


def test_what_could_not_be_sent_is_sent_later_once(
    webhook: Service, mailbox: MailService, instance: dg.DagsterInstance
) -> None:
    webhook.answer = lambda _: Answer("away", 503)
    first = failed(instance, orders, "2024-01-05")
    with pytest.raises(AlertError, match="tried again for a day"):
        tell(first)
    assert (len(webhook.asked), len(mailbox.mails)) == (2, 1)
    # What fails next waits behind it: nobody is asked who does not answer.
    tell(failed(instance, orders, "2024-01-06"))
    assert (len(webhook.asked), len(mailbox.mails)) == (2, 2)
    assert "answered 503" in (later(instance) or "")
    assert len(webhook.asked) == 3
    webhook.answer = lambda _: Answer("ok")
    assert later(instance) == later(instance) == "everybody was told of every run that failed"
    texts = [json.loads(asked.body)["text"] for asked in webhook.asked[3:]]
    assert [text.splitlines()[0] for text in texts] == [
        "shop/orders of 2024-01-05 failed",
        "shop/orders of 2024-01-06 failed",
    ]
    assert all("the source has no orders" in text for text in texts)
    assert len(mailbox.mails) == 2


def test_a_server_that_hangs_ends_in_time(
    webhook: Service,
    mailbox: MailService,
    ephemeral_instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(alerts, "_SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MARTS_ALERT_SMTP_URL", f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        context = failed(ephemeral_instance, orders, "2024-01-05")
        with pytest.raises(AlertError, match=r"mail.*(took more than|did not answer)"):
            tell(context)
    assert time.monotonic() - began < 20
    assert len(webhook.asked) == 1, "who was told is not told again"
    run = ephemeral_instance.get_run_by_id(context.dagster_run.run_id)
    assert run is not None and run.tags[alerts.UNTOLD] == "mail"


@pytest.mark.parametrize(
    ("refuse", "says"),
    [
        ({"AUTH": "535 who are you"}, "mail server 127.0.0.1 answered 535"),
        ({"RCPT TO": "550 unknown"}, "does not take mail for a@example.com, b@example.com"),
    ],
)
def test_a_mail_that_is_refused_is_said_without_the_password(
    mailbox: MailService, ephemeral_instance: dg.DagsterInstance, refuse: dict[str, str], says: str
) -> None:
    mailbox.refuse = refuse
    with pytest.raises(AlertError, match=says) as raised:
        tell(failed(ephemeral_instance, orders, "2024-01-05"))
    assert SECRET not in everything_of(raised.value)
    assert mailbox.mails == []


def test_a_mail_server_without_addresses_is_said(
    mailbox: MailService, ephemeral_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MARTS_ALERT_TO")
    with pytest.raises(AlertError, match="MARTS_ALERT_TO"):
        tell(failed(ephemeral_instance, orders, "2024-01-05"))


def test_the_sensors_are_shipped_and_off_until_they_are_set() -> None:
    sensor, later_one = (defs.resolve_sensor_def(name) for name in ("failed_runs", "untold_runs"))
    assert sensor.default_status == later_one.default_status == dg.DefaultSensorStatus.STOPPED
    assert isinstance(sensor, dg.RunStatusSensorDefinition)


def test_the_settings_show_no_secret(webhook: Service, mailbox: MailService) -> None:
    assert SECRET not in repr(settings.load())


@pytest.fixture
def away(instance: dg.DagsterInstance, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    """Dagster's instance of a command whose source is away."""
    monkeypatch.setenv("MARTS_CAMUNDA_URL", f"postgresql://somebody:{SECRET}@127.0.0.1:1/away")
    return instance


DAY = ["--from", "2024-03-01", "--to", "2024-03-02"]


@pytest.mark.usefixtures("warehouse")
@pytest.mark.parametrize(("arguments", "runs"), [([], 0), (DAY, 1)])
def test_a_failed_command_tells_once_with_or_without_a_daemon(
    webhook: Service, mailbox: MailService, away: dg.DagsterInstance, arguments: list[str], runs: int
) -> None:
    result = CliRunner().invoke(app, ["materialize", "camunda/act_hi_detail", *arguments])
    assert result.exit_code == 1
    (asked,) = webhook.asked
    text = json.loads(asked.body)["text"]
    assert text.startswith("marts materialize camunda/act_hi_detail failed\n")
    assert "port 1" in text and SECRET not in text
    assert len(mailbox.mails) == 1
    failed_runs = away.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))
    assert len(failed_runs) == runs
    for run in failed_runs:
        tell(of_run(away, run))
    assert later(away) == "everybody was told of every run that failed"
    assert len(webhook.asked) == len(mailbox.mails) == 1


@pytest.mark.usefixtures("warehouse")
def test_what_the_command_could_not_send_the_daemon_sends(
    webhook: Service, mailbox: MailService, away: dg.DagsterInstance
) -> None:
    webhook.answer = lambda _: Answer("away", 503)
    result = CliRunner().invoke(app, ["materialize", "camunda/act_hi_detail", *DAY])
    assert "not everybody could be told" in result.stderr and SECRET not in result.output
    webhook.answer = lambda _: Answer("ok")
    asked = len(webhook.asked)
    assert later(away) == later(away) == "everybody was told of every run that failed"
    assert len(webhook.asked) == asked + 1 and len(mailbox.mails) == 1


def test_wrong_use_of_the_command_tells_nobody(webhook: Service, away: dg.DagsterInstance) -> None:
    for arguments in (["camnda"], ["camunda", "--from", "2024-02-02", "--to", "2024-02-01"]):
        assert CliRunner().invoke(app, ["materialize", *arguments]).exit_code == 1
    assert webhook.asked == []


def test_the_daemon_tells_of_a_command_that_was_killed(
    webhook: Service, instance: dg.DagsterInstance
) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    tags = run_tags() | {PROCESS_TAG: f"{child.pid} {time.time()}"}
    run = instance.create_run_for_job(
        dg.GraphDefinition(name="empty").to_job(), status=dg.DagsterRunStatus.STARTED, tags=tags
    )
    instance.report_run_failed(run, "it failed")
    tell(of_run(instance, run))
    assert later(instance) == "everybody was told of every run that failed"
    assert webhook.asked == [], "the command lives, and may yet tell"
    child.kill()
    child.wait()
    later(instance)
    later(instance)
    assert len(webhook.asked) == 1
