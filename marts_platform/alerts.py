"""One message for each run that failed, to a webhook and by e-mail; both are off until they are set.

A blocking check that fails fails its run, and the message says its name and figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import dagster as dg

from marts_platform import settings
from marts_platform.core.faults import PassingFault, with_retries

if TYPE_CHECKING:
    import smtplib
    from collections.abc import Sequence

    from marts_platform.settings import Settings

_SECONDS = 10
# A driver's message can hold a whole row.
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
        run_id: Dagster's.
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
        return f"{self.title}\n{self.reason}\n{self.run_url or f'run {self.run_id}'}"


def is_configured(now: Settings) -> bool:
    """Whether there is anybody to tell."""
    return now.alert_webhook_url is not None or now.alert_smtp_url is not None


@dg.run_failure_sensor(
    name="failed_runs",
    description="Tells of every run that failed: MARTS_ALERT_WEBHOOK_URL, MARTS_ALERT_SMTP_URL.",
    default_status=(
        dg.DefaultSensorStatus.RUNNING if is_configured(settings.load()) else dg.DefaultSensorStatus.STOPPED
    ),
)
def failed_runs(context: dg.RunFailureSensorContext) -> None:
    """Sends the message of a run.

    Raises:
        AlertError: it could not be sent by all of the ways that are set.
    """
    now = settings.load()
    send(message_of(context, now.ui_url or ""), now)


def message_of(context: dg.RunFailureSensorContext, ui_url: str) -> Message:
    """What there is to tell of a run, from its events."""
    run = context.dagster_run
    steps = {"__".join(key.path): key.to_user_string() for key in run.asset_selection or ()}
    assets: list[str] = []
    reasons: list[str] = []
    for event in context.get_step_failure_events():
        step = event.step_key or ""
        assets.append(steps.get(step, step.replace("__", "/")))
        error = event.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        if error is not None:
            reasons.append(error.message.strip()[:_REASON_CHARACTERS])
    first = run.tags.get("dagster/asset_partition_range_start") or run.tags.get("dagster/partition", "")
    last = run.tags.get("dagster/asset_partition_range_end", first)
    return Message(
        assets=assets,
        partition=first if first == last else f"{first} to {last}",
        reason="\n".join(reasons) or context.failure_event.message or "no reason was given",
        run_id=run.run_id,
        run_url=f"{ui_url.rstrip('/')}/runs/{run.run_id}" if ui_url else "",
    )


def send(message: Message, now: Settings) -> None:
    """Sends a message by every way that is set; that one fails keeps no other from being tried.

    Raises:
        AlertError: at least one failed.
    """
    ways: list[Callable[[], None]] = []
    if now.alert_webhook_url is not None:
        ways.append(lambda: post(message, now.url("alert_webhook_url")))
    if now.alert_smtp_url is not None:
        ways.append(lambda: mail(message, now))
    failed: list[str] = []
    for way in ways:
        try:
            with_retries(way)
        except (AlertError, PassingFault) as error:
            failed.append(str(error))
    if failed:
        raise AlertError(f"{message.title}, and not everybody could be told: {'; '.join(failed)}")


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
