"""One message for each run that failed, to a webhook and by e-mail; both are off until they are set.

A command that fails tells of it by itself (`tell_of_command`): a daemon may not run.
A blocking check that fails fails its run, and the message says its name and figures. Dagster's sensor of
failed runs asks once for each run and gives a look 60 s. So a message that could not be sent is written down
as the run's tag, and another sensor sends it later.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote, urlsplit

import dagster as dg
from dagster._core.launcher import WorkerStatus

from marts_platform import settings
from marts_platform.core.faults import PassingFault, with_retries
from marts_platform.masking import cleaned, raises_cleaned
from marts_platform.run_launcher import HOST_TAG, PROCESS_TAG, is_of_this_machine, worker_health

if TYPE_CHECKING:
    import smtplib
    from collections.abc import Collection, Iterable, Sequence

    from marts_platform.settings import Settings

# Two ways, each tried twice, within the 60 s that Dagster gives a look of a sensor.
_SECONDS = 8
_LOOK_SECONDS = 30
_AT_ONCE = 100
# The ways that a run could not be told by yet, comma-separated; a re-execution inherits its run's tags.
UNTOLD = "marts/untold"
# The run and the ways by which the command that made it told of it.
TOLD = "marts/told"
# A command on another machine has this long to tell of its run.
_ELSEWHERE_SECONDS = 3600
_KEPT = timedelta(days=1)
_REASON_CHARACTERS = 1500
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SMTP_PORT, _SMTPS_PORT = 25, 465


class AlertError(Exception):
    """A message could not be sent; it says where to, without secrets, and why."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is told of a run that failed.

    Attributes:
        assets: the assets that failed, or what the run calls its steps.
        partition: a day, or the first and the last one; '' if the assets have none.
        reason: the innermost errors.
        run_id: Dagster's, '' if no run was begun.
        run_url: where to look at it; '' if nobody said where Dagster's UI is.
    """

    assets: Sequence[str]
    partition: str
    reason: str
    run_id: str
    run_url: str

    @property
    def title(self) -> str:
        """One line."""
        of = f" of {self.partition}" if self.partition else ""
        return f"{', '.join(self.assets) or 'A run'}{of} failed"

    @property
    def text(self) -> str:
        """All of it."""
        run = self.run_url or (f"run {self.run_id}" if self.run_id else "")
        return "\n".join(filter(None, (self.title, self.reason, run)))


def is_configured(now: Settings) -> bool:
    """Whether there is anybody to tell."""
    return now.alert_webhook_url is not None or now.alert_smtp_url is not None


_STATUS = dg.DefaultSensorStatus.RUNNING if is_configured(settings.load()) else dg.DefaultSensorStatus.STOPPED


@dg.run_failure_sensor(
    name="failed_runs",
    description="Tells of every run that failed: MARTS_ALERT_WEBHOOK_URL, MARTS_ALERT_SMTP_URL.",
    default_status=_STATUS,
)
@raises_cleaned
def failed_runs(context: dg.RunFailureSensorContext) -> None:
    """Sends the message of a run. A way that older messages wait for is left to `untold_runs`.

    Raises:
        AlertError: it could not be sent by all of the ways that are set.
    """
    now, instance = settings.load(), context.instance
    # The event's run has the tags of its start.
    run = instance.get_run_by_id(context.dagster_run.run_id) or context.dagster_run
    wanted = _ways(now).keys() - _told_of(run)
    if wanted and _is_left_to_command(instance, run):
        _remember(instance, run, wanted)
        return
    waits = {
        way
        for other in _untold(instance)
        if other.run_id != run.run_id and not _is_left_to_command(instance, other)
        for way in _ways_of(other) - _told_of(other)
    }
    waits &= wanted
    message = message_of(run, context.instance, now.ui_url or "")
    failed = send(message, now, wanted - waits, attempts=2)
    _remember(context.instance, run, waits | {fault.way for fault in failed if fault.passes})
    if failed:
        raise AlertError(_said_of(message, failed))


@dg.sensor(
    name="untold_runs",
    description="Sends, for a day, what failed_runs could not send.",
    minimum_interval_seconds=60,
    default_status=_STATUS,
)
@raises_cleaned
def untold_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Sends the messages that wait, oldest first; a way that fails is left alone until the next look."""
    now, began = settings.load(), time.monotonic()
    broken: dict[str, str] = {}
    for run in _untold(context.instance):
        if time.monotonic() - began > _LOOK_SECONDS:
            break
        if _is_left_to_command(context.instance, run):
            continue
        wanted = (_ways_of(run) & _ways(now).keys()) - _told_of(run)
        message = message_of(run, context.instance, now.ui_url or "")
        failed = send(message, now, wanted - broken.keys(), attempts=1)
        broken |= {fault.way: fault.reason for fault in failed if fault.passes}
        refused = [fault for fault in failed if not fault.passes]
        if refused:
            context.log.error(_said_of(message, refused))
        _remember(context.instance, run, wanted & broken.keys())
    return dg.SkipReason("; ".join(broken.values()) or "everybody was told of every run that failed")


def _untold(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    """The failed runs of the last day whose message waits, oldest first."""
    tags = {UNTOLD: ["mail", "webhook", "mail,webhook"]}
    since = datetime.now(UTC) - _KEPT
    failed = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], tags=tags, updated_after=since)
    return instance.get_runs(failed, limit=_AT_ONCE, ascending=True)


def tell_of_command(command: str, reason: str, began: datetime, instance: dg.DagsterInstance | None) -> str:
    """Send one message of a command that failed, with or without a daemon.

    The daemon leaves a command's runs alone while the command lives, and afterwards those that it told of.

    Args:
        command: as it was typed.
        reason: the error's text.
        began: when the command began (UTC).
        instance: Dagster's, with the command's runs; None if it cannot be had.

    Returns:
        A sentence on whom the message did not reach, '' if it reached all.
    """
    now = settings.load()
    if not is_configured(now):
        return ""
    runs: Sequence[dg.DagsterRun] = _failed_here(instance, began) if instance is not None else []
    run_id = runs[-1].run_id if runs else ""
    url = f"{now.ui_url.rstrip('/')}/runs/{run_id}" if now.ui_url and run_id else ""
    message = Message([command], "", cleaned(reason).strip()[:_REASON_CHARACTERS], run_id, url)
    failed = send(message, now, _ways(now).keys(), attempts=2)
    told = _ways(now).keys() - {fault.way for fault in failed if fault.passes}
    if instance is not None:
        for run in runs:
            # One message is of all of the command's runs: the last one keeps what did not arrive.
            done = told if run is runs[-1] else _ways(now).keys()
            instance.add_run_tags(run.run_id, {TOLD: f"{run.run_id} {','.join(sorted(done))}"})
            _remember(instance, run, _ways(now).keys() - done)
    return _said_of(message, failed) if failed else ""


def _failed_here(instance: dg.DagsterInstance, began: datetime) -> Sequence[dg.DagsterRun]:
    """Return the runs of this process that failed, oldest first."""
    here = dg.RunsFilter(
        statuses=[dg.DagsterRunStatus.FAILURE], tags={HOST_TAG: socket.gethostname()}, created_after=began
    )
    runs = instance.get_runs(here, ascending=True)
    return [run for run in runs if run.tags.get(PROCESS_TAG, "").split(" ")[0] == str(os.getpid())]


def _told_of(run: dg.DagsterRun) -> set[str]:
    """Return the ways by which the command told of its own run; a re-execution inherits the tag."""
    run_id, _, ways = run.tags.get(TOLD, "").partition(" ")
    return set(ways.split(",")) - {""} if run_id == run.run_id else set()


def _is_left_to_command(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Tell whether a command that may yet send its message made the run."""
    if PROCESS_TAG not in run.tags or TOLD in run.tags:
        return False
    if is_of_this_machine(run.tags):
        return worker_health(instance, run).status is WorkerStatus.RUNNING
    record = instance.get_run_record_by_id(run.run_id)
    return record is not None and time.time() - (record.end_time or 0) < _ELSEWHERE_SECONDS


def _ways_of(run: dg.DagsterRun) -> set[str]:
    return set(run.tags.get(UNTOLD, "").split(",")) - {""}


def _remember(instance: dg.DagsterInstance, run: dg.DagsterRun, ways: Collection[str]) -> None:
    if _ways_of(run) != set(ways):
        instance.add_run_tags(run.run_id, {UNTOLD: ",".join(sorted(ways))})


def message_of(run: dg.DagsterRun, instance: dg.DagsterInstance, ui_url: str) -> Message:
    """What there is to tell of a run that failed, from its events."""
    steps = {"__".join(key.path): key.to_user_string() for key in run.asset_selection or ()}
    assets: list[str] = []
    reasons: list[str] = []
    for event in _events(instance, run, dg.DagsterEventType.STEP_FAILURE):
        step = event.step_key or ""
        assets.append(steps.get(step, step.replace("__", "/")))
        error = event.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None:
            reasons.append(cleaned(error.message).strip()[:_REASON_CHARACTERS])
    if not reasons:
        reasons = [
            cleaned(event.message or "") for event in _events(instance, run, dg.DagsterEventType.RUN_FAILURE)
        ]
    first = run.tags.get("dagster/asset_partition_range_start") or run.tags.get("dagster/partition", "")
    last = run.tags.get("dagster/asset_partition_range_end", first)
    return Message(
        assets=assets,
        partition=first if first == last else f"{first} to {last}",
        reason="\n".join(filter(None, reasons)) or "no reason was given",
        run_id=run.run_id,
        run_url=f"{ui_url.rstrip('/')}/runs/{run.run_id}" if ui_url else "",
    )


def _events(
    instance: dg.DagsterInstance, run: dg.DagsterRun, kind: dg.DagsterEventType
) -> Iterable[dg.DagsterEvent]:
    for record in instance.get_records_for_run(run.run_id, of_type=kind).records:
        if (event := record.event_log_entry.dagster_event) is not None:
            yield event


@dataclass(frozen=True, slots=True)
class Failed:
    """A way by which a message could not be sent.

    Attributes:
        way: ``webhook`` or ``mail``.
        reason: why, without secrets.
        passes: whether a later try may succeed.
    """

    way: str
    reason: str
    passes: bool


Way: TypeAlias = Callable[[Message], None]


def _ways(now: Settings) -> dict[str, Way]:
    ways: dict[str, Way] = {}
    if now.alert_webhook_url is not None:
        ways["webhook"] = lambda message: post(message, now.url("alert_webhook_url"))
    if now.alert_smtp_url is not None:
        ways["mail"] = lambda message: mail(message, now)
    return ways


def send(message: Message, now: Settings, only: Collection[str], attempts: int) -> list[Failed]:
    """Sends a message; that one way fails keeps no other from being tried.

    Args:
        message: what is told.
        now: the settings, which say to whom.
        only: the ways that are tried.
        attempts: how often each, while its fault is one that passes.

    Returns:
        The ways that failed.
    """
    failed: list[Failed] = []
    for name, way in _ways(now).items():
        if name not in only:
            continue
        try:
            with_retries(lambda way=way, name=name: _in_time(name, lambda: way(message)), attempts)
        except (AlertError, PassingFault) as error:
            failed.append(Failed(name, str(error), isinstance(error, PassingFault)))
    return failed


def _said_of(message: Message, failed: Iterable[Failed]) -> str:
    reasons = [
        f"{fault.reason} (it is tried again for a day)" if fault.passes else fault.reason for fault in failed
    ]
    return f"{message.title}, and not everybody could be told: {'; '.join(reasons)}"


def _in_time(name: str, send_it: Callable[[], None]) -> None:
    """Gives up after a while, whatever is waited for: time-outs of sockets are for one answer, not for all.

    Raises:
        PassingFault: it takes too long. It may yet arrive, and once more later: better twice than never.
    """
    executor = ThreadPoolExecutor(1)
    sending = executor.submit(send_it)
    executor.shutdown(wait=False)
    try:
        sending.result(_SECONDS)
    except TimeoutError:
        raise PassingFault(f"the {name} took more than {_SECONDS} s") from None


def post(message: Message, url: str) -> None:
    """Posts ``{"text": …}``, which Slack, Mattermost and others understand.

    Raises:
        PassingFault: the network, 429 or 5xx.
        AlertError: it was refused.
    """
    import httpx

    response = fault = None
    # A webhook's address is its secret: none of httpx's errors, which may show it, is a cause of ours.
    try:
        response = httpx.post(url, json={"text": message.text}, timeout=_SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fault = type(error).__name__
    where = "the webhook of MARTS_ALERT_WEBHOOK_URL"
    if response is None:
        raise PassingFault(f"{where} did not answer: {fault}")
    if response.status_code == 429 or response.status_code >= 500:
        raise PassingFault(f"{where} answered {response.status_code}")
    if not response.is_success:
        raise AlertError(f"{where} answered {response.status_code}")


def mail(message: Message, now: Settings) -> None:
    """Sends an e-mail through the server of ``MARTS_ALERT_SMTP_URL``.

    Raises:
        PassingFault: the network, or the server says to come again.
        AlertError: addresses are not set, or the server refuses.
    """
    import smtplib
    from email.message import EmailMessage

    if not now.alert_from or not now.alert_to:
        raise AlertError(
            "MARTS_ALERT_SMTP_URL is set, but not who writes to whom: MARTS_ALERT_FROM, MARTS_ALERT_TO"
        )
    email = EmailMessage()
    email["Subject"] = " ".join(message.title.split())
    email["From"] = now.alert_from
    email["To"] = ", ".join(now.alert_to)
    email.set_content(message.text)
    parts = urlsplit(now.url("alert_smtp_url"))
    where = f"the mail server {parts.hostname}"
    try:
        with _connected(parts.scheme, parts.hostname or "", parts.port) as server:
            if parts.username:
                if parts.scheme == "smtp" and not _starttls(server) and parts.hostname not in _LOOPBACK:
                    raise AlertError(f"{where} offers no encryption, and the password is not sent without")
                server.login(unquote(parts.username), unquote(parts.password or ""))
            server.send_message(email)
    except smtplib.SMTPResponseException as error:
        kind = PassingFault if 400 <= error.smtp_code < 500 else AlertError
        raise kind(f"{where} answered {error.smtp_code}") from None
    except smtplib.SMTPRecipientsRefused:
        raise AlertError(f"{where} does not take mail for {', '.join(now.alert_to)}") from None
    except smtplib.SMTPNotSupportedError as error:
        raise AlertError(f"{where}: {error}") from None
    except OSError as error:
        raise PassingFault(f"{where} did not answer: {type(error).__name__} {error}") from None


def _connected(scheme: str, host: str, port: int | None) -> smtplib.SMTP:
    import smtplib
    import ssl

    if scheme == "smtps":
        return smtplib.SMTP_SSL(
            host, port or _SMTPS_PORT, timeout=_SECONDS, context=ssl.create_default_context()
        )
    return smtplib.SMTP(host, port or _SMTP_PORT, timeout=_SECONDS)


def _starttls(server: smtplib.SMTP) -> bool:
    import ssl

    server.ehlo()
    if not server.has_extn("starttls"):
        return False
    server.starttls(context=ssl.create_default_context())
    server.ehlo()
    return True
