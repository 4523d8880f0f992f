"""Every setting of the platform, with the environment variable behind it.

A value comes from the first of these that has one:

1. the environment (``MARTS_…``),
2. the embedded stack of ``$MARTS_HOME`` (what ``marts up`` wrote there),
3. the default below.

Secrets are ``SecretStr``: a repr, a log line or an error shows ``**********``.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from marts_platform import setting_paging, setting_urls, setting_values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

PREFIX = "MARTS_"
STACK_FILE = "stack.json"

Origin = Literal["environment", "embedded stack", "default", "not set"]


class ExpectedError(Exception):
    """Something that can be expected to go wrong; the message says what, where, and what to do.

    Attributes:
        shows_values: whether the message answers a statement that somebody typed, with its values.
    """

    shows_values = False


class SettingsError(ExpectedError):
    """A setting is missing or cannot be read; the message names the variable."""


def home() -> Path:
    """The folder of the local state: ``$MARTS_HOME``, or ``.marts`` under the working folder."""
    return Path(os.environ.get(f"{PREFIX}HOME") or ".marts").absolute()


def stack_environment(folder: Path) -> dict[str, str]:
    """What the embedded stack of ``folder`` offers, as variable name to value.

    ``marts up`` writes the file (mode 0600, it holds passwords); no file means no stack. What is preferred
    with a source's demo data is not offered once the environment, or nobody, gives that source's address.

    Raises:
        SettingsError: the file is damaged; the message names it and nothing of what it holds.
    """
    content = stack_content(folder / STACK_FILE)
    offered, preferred = content.get("environment", {}), content.get("preferred_with", {})
    return setting_values.with_preferred(offered, preferred, os.environ)


def stack_content(path: Path) -> dict[str, Any]:
    """Return what a stack's file holds, {} if there is none.

    Raises:
        SettingsError: the file is damaged or of another version; the message shows nothing of its content.
    """
    try:
        content: object = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise SettingsError(f"{path} cannot be read ({error}); delete it and run `marts up`") from None
    if not setting_values.is_stack(content):
        raise SettingsError(
            f"{path} was written by another version of the platform: run that version, or name another "
            f"folder in MARTS_HOME"
        )
    return content


class _EmbeddedStack(PydanticBaseSettingsSource):
    """Lets the embedded stack stand in for what the environment leaves open."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        value = stack_environment(home()).get(variable(field_name))
        return value, field_name, False

    def __call__(self) -> dict[str, Any]:
        offered = stack_environment(home())
        return {
            name: offered[variable(name)]
            for name in self.settings_cls.model_fields
            if variable(name) in offered
        }


class Settings(BaseSettings):
    """The platform's settings. Times are UTC unless a field says otherwise."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # pydantic's own error, the context of ours, would quote a rejected URL with its password.
        hide_input_in_errors=True,
    )

    warehouse_url: SecretStr | None = Field(
        None, description="The Postgres warehouse (16 or newer): schemas camunda, ops and others."
    )
    clickhouse_url: SecretStr | None = Field(
        None, description="The ClickHouse warehouse's HTTP interface, http(s)://user:password@host:port."
    )
    dagster_url: SecretStr | None = Field(
        None, description="Dagster's own storage (Postgres): runs, events, schedules."
    )
    start: date = Field(
        date(2020, 1, 1), description="The first daily partition (UTC); today's partition is open."
    )
    camunda_url: SecretStr | None = Field(
        None, description="The Camunda engine's Postgres, or a replica of it; read only."
    )
    camunda_timezone: str = Field(
        "UTC", description="The time zone of the engine's JVM: Camunda stores local times without a zone."
    )
    camunda_variables: Annotated[tuple[str, ...], NoDecode] = Field(
        ("contextData", "docIds"),
        description="Names of the process variables to extract, comma-separated; * for all.",
    )
    camunda_compares_bytes: bool = Field(
        True,
        description="Whether comparisons of Camunda's days read byte arrays, a look-up by key for each. "
        "False halves their cost at the source and misses byte arrays rewritten in place. Default: true.",
    )
    telemetry_url: SecretStr | None = Field(
        None, description="The Postgres with the prostheses' telemetry; read only."
    )
    telemetry_timezone: str = Field(
        "UTC", description="The time zone of the telemetry's created_at, which has none of its own."
    )
    crm_url: SecretStr | None = Field(None, description="The CRM's HTTP address; customers at /api/users.")
    crm_token: SecretStr | None = Field(
        None, description="A bearer token for the CRM; it goes before a user and password in its address."
    )
    crm_timeout_seconds: float = Field(
        30, gt=0, description="How long the CRM may take to connect, and between two pieces of an answer."
    )
    crm_wait_minutes: float = Field(
        5.0,
        ge=0,
        le=120,
        description="Minutes that one load of CRM customers waits in all for answers 429 and 503. "
        "Retry-After sets each wait.",
    )
    crm_paging: str = Field(
        "",
        description="Paging of the CRM's customers as name=value pairs separated by blanks, or single for "
        "one answer. Detected when empty. docs/bionicpro.md lists the names.",
    )
    reports_timezone: str = Field(
        "UTC", description="The time zone of the BionicPRO reports' nightly schedule, 02:00 there."
    )
    reports_retries: int = Field(2, ge=0, description="How often a failed BionicPRO asset is tried again.")
    reports_retry_seconds: float = Field(
        300, ge=0, description="How long to wait before each of these tries."
    )
    chat_url: SecretStr | None = Field(None, description="The chat's MySQL database; read only.")
    delivery_url: SecretStr | None = Field(None, description="The delivery service's Postgres.")
    delivery_replica_url: SecretStr | None = Field(
        None, description="Its logical replica, which is read in its stead."
    )
    delivery_publisher_url: SecretStr | None = Field(
        None, description="The same as its replica's server reaches it; by default MARTS_DELIVERY_URL."
    )
    delivery_replica_patience_seconds: float = Field(
        30, gt=0, description="How long the replica may take to confirm a change before it counts as stalled."
    )
    delivery_replica_max_wal_bytes: int = Field(
        1_000_000_000, ge=1, description="How much of its log the source may keep for the replica's slot."
    )
    delivery_payout_share: Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)] = Field(
        Decimal("0.7"), description="The part of a delivery's cost that its performer is paid."
    )
    delivery_ttl_days: int = Field(
        0,
        ge=0,
        description="Days that ClickHouse keeps delivery facts: more than the service keeps orders; 0: all.",
    )
    delivery_results_topic: str = Field(
        "result-channel", description="Kafka's topic with the results of the delivery service's stages."
    )
    delivery_triggers_topic: str = Field(
        "trigger-channel", description="Kafka's topic with the triggers of the delivery service's stages."
    )
    prometheus_url: SecretStr | None = Field(None, description="Prometheus' HTTP address.")
    kafka_bootstrap: str | None = Field(None, description="Kafka's bootstrap servers, host:port,…")
    kafka_options: SecretStr | None = Field(
        None,
        description="More of Kafka's client options, name=value separated by blanks.",
    )
    kafka_timeout_seconds: float = Field(
        10.0, ge=1, description="Seconds in which Kafka has to answer, or to go on in the middle of a topic."
    )
    shop_url: SecretStr | None = Field(None, description="The shop's Postgres; read only.")
    shop_replica_url: SecretStr | None = Field(
        None, description="The MySQL warehouse: the shop's replica and its marts."
    )
    shop_count_cancelled: bool = Field(False, description="Whether sales marts count cancelled orders.")
    shop_events_topic: str = Field("my_topic", description="Kafka's topic with the shop's events.")
    shop_events_timezone: str = Field(
        "UTC", description="The time zone of the events' producer: their times are local and name none."
    )
    spark_master: str | None = Field(
        None,
        description="Spark's master, such as spark://host:7077, yarn or local[4], which then moves "
        "the shop's tables into MySQL; off if not set.",
    )
    spark_jars: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="The jars with the JDBC drivers of Postgres and MySQL for Spark, comma-separated."
    )
    spark_options: SecretStr | None = Field(
        None, description="More of Spark's configuration, name=value separated by blanks."
    )
    spark_partitions: int = Field(
        4, ge=1, description="How many parts of a table Spark moves at once: its connections at each end."
    )
    ui_url: str | None = Field(None, description="Where people reach Dagster's UI, for links in alerts.")
    alert_webhook_url: SecretStr | None = Field(
        None, description="Told of each run that failed, as Slack's webhooks take it; off if not set."
    )
    alert_smtp_url: SecretStr | None = Field(
        None,
        description="The mail server that tells of each run that failed, smtp(s)://user:password@host:port; "
        "off if not set.",
    )
    alert_from: str | None = Field(None, description="The sender of those e-mails.")
    alert_to: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Who gets those e-mails, comma-separated."
    )
    chat_timezone: str = Field(
        "UTC", description="The time zone of the chat's local times: a DATETIME has none of its own."
    )
    chat_cron: str = Field("0 * * * *", description="When the chat's schedule looks, as cron (UTC).")
    chat_sweep_messages: int = Field(
        50_000,
        ge=1,
        description="Number of messages up to which one evaluation compares older days of the chat; at least "
        "MARTS_SWEPT_DAYS days are compared.",
    )
    chat_high_activity: float = Field(
        10, ge=0, description="Users with more messages a week than this are of high activity."
    )
    chat_medium_activity: float = Field(
        3, ge=0, description="Users with this many messages a week or more are of medium activity."
    )
    lookback_days: int = Field(
        3, ge=1, le=366, description="How many recent partitions sensors compare with their source."
    )
    swept_days: int = Field(
        3,
        ge=0,
        le=100,
        description="Number of older partitions of each asset that each sensor evaluation compares with the "
        "source, least recently compared first.",
    )
    evaluation_seconds: float = Field(
        40.0,
        ge=1,
        le=50,
        description="Seconds that one evaluation of a sensor or schedule compares sources; the next one goes "
        "on with the rest. Dagster ends an evaluation after 60.",
    )
    sensor_interval_seconds: int = Field(30, ge=5, description="Seconds between two looks of a sensor.")
    commit_margin_seconds: float = Field(
        5.0,
        ge=0,
        description="How far below the oldest open transaction an open partition is read: "
        "an application may read its clock before its transaction begins.",
    )
    run_log_days: int = Field(90, ge=0, description="Days that the run log keeps replaced loads; 0: all.")
    source_statement_timeout_seconds: int = Field(
        600, ge=1, description="Time limit of one extracting statement at a source."
    )
    source_probe_timeout_seconds: int = Field(
        20, ge=1, description="Time limit of one fingerprint probe at a source."
    )

    clickhouse_statement_timeout_seconds: int = Field(3600, ge=1, description="Limit of one statement there.")
    clickhouse_cluster: str | None = Field(
        None, description="The ClickHouse cluster's name: tables are made ON CLUSTER, and replicated."
    )

    metrics_step_seconds: int = Field(
        15, description="Seconds between two samples of a metric in the warehouse; a divisor of a day's."
    )
    metrics_refresh_seconds: int = Field(
        300, ge=1, description="Today's metrics are read up to the last multiple of so many seconds."
    )

    @field_validator("metrics_step_seconds")
    @classmethod
    def _divides_a_day(cls, value: int) -> int:
        if value < 1 or 86_400 % value:
            raise ValueError(f"{value} does not divide the 86400 seconds of a day; 1, 5, 15, 30 and 60 do")
        return value

    @field_validator("alert_to", "spark_jars", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return setting_values.listed(value) if isinstance(value, str) else value

    @field_validator("camunda_variables", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        names = setting_values.listed(value)
        if not names:
            raise ValueError("name at least one variable, or * for all")
        return ("*",) if "*" in names else names

    @field_validator(*setting_urls.KINDS)
    @classmethod
    def _clear_url(cls, value: SecretStr | str | None, info: ValidationInfo) -> SecretStr | str | None:
        # A driver takes a part of an unclear password for the host or the port, and shows it in its error.
        if value is not None:
            url = value if isinstance(value, str) else value.get_secret_value()
            setting_urls.refuse_unclear_url(url, setting_urls.KINDS[str(info.field_name)])
        return value

    @field_validator("kafka_bootstrap")
    @classmethod
    def _servers(cls, value: str | None) -> str | None:
        if value is not None:
            setting_urls.refuse_unclear_servers(value)
        return value

    @field_validator("crm_paging")
    @classmethod
    def _paging(cls, value: str) -> str:
        setting_paging.parse_declaration(value)
        return value

    @field_validator("kafka_options", "spark_options")
    @classmethod
    def _options(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not all("=" in option for option in value.get_secret_value().split()):
            raise ValueError("each option is name=value, without blanks in it")
        return value

    @field_validator(
        "camunda_timezone", "telemetry_timezone", "reports_timezone", "chat_timezone", "shop_events_timezone"
    )
    @classmethod
    def _zone(cls, value: str) -> str:
        return setting_values.clear_zone(value)

    @field_validator("chat_cron")
    @classmethod
    def _cron(cls, value: str) -> str:
        return setting_values.clear_cron(value)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The order of the sources, as the module says it."""
        return init_settings, env_settings, _EmbeddedStack(settings_cls)

    @property
    def kafka_client_options(self) -> dict[str, str]:
        """``MARTS_KAFKA_OPTIONS`` by name, in the clear: for the client only, never for a message."""
        return setting_values.pairs(self.kafka_options)

    @property
    def spark_configuration(self) -> dict[str, str]:
        """``MARTS_SPARK_OPTIONS`` by name, in the clear: for Spark only, never for a message."""
        return setting_values.pairs(self.spark_options)

    @property
    def start_time(self) -> datetime:
        """The first instant of the first partition, UTC."""
        return datetime(self.start.year, self.start.month, self.start.day, tzinfo=UTC)

    def url(self, name: str) -> str:
        """The connection URL of a setting, in the clear: for drivers only, never for a message.

        Args:
            name: a field such as ``warehouse_url``.

        Raises:
            SettingsError: it is not set; the message names the variable and the way out.
        """
        value = getattr(self, name)
        if value is None:
            raise SettingsError(
                f"{variable(name)} is not set and no embedded stack runs in {home()}. "
                f"Set it, or start the embedded stack with `marts up`."
            )
        return value.get_secret_value()


def variable(field_name: str) -> str:
    """The environment variable behind a field of `Settings`."""
    return PREFIX + field_name.upper()


def load() -> Settings:
    """The settings in force now.

    Raises:
        SettingsError: a variable cannot be read; the message names it and never its value.
    """
    given = frozenset(item for item in os.environ.items() if item[0].upper().startswith(PREFIX))
    stack = home() / STACK_FILE
    return _parsed(given, stack.read_bytes() if stack.is_file() else b"")


# By what they depend on: reading them costs a millisecond and more, a small load asks a dozen times.
@lru_cache(maxsize=8)
def _parsed(_environment: frozenset[tuple[str, str]], _stack: bytes) -> Settings:
    try:
        return Settings()  # pyright: ignore[reportCallIssue] # fields come from the environment
    except ValidationError as error:
        raise SettingsError(setting_values.reasons_of(error, variable)) from None


def secret_texts() -> Iterator[tuple[str, str]]:
    """Yield each secret's field and text as given, whether or not the settings can be read.

    The embedded stack's own passwords are among them, as ``stack`` and the owners' as ``owner_url``.
    """
    names = {variable(name): name for name, field in Settings.model_fields.items() if _is_secret(field)}
    yield from ((names[key.upper()], text) for key, text in os.environ.items() if key.upper() in names)
    try:
        content: dict[str, Any] = json.loads((home() / STACK_FILE).read_text("utf-8"))
        offered = {**content.get("environment", {})}
        owners = list(content.get("owners", {}).values())
        servers = list(content.get("servers", {}).values())
        yield from ((names[key], str(text)) for key, text in offered.items() if key in names)
        yield from (("owner_url", str(text)) for text in owners)
        yield from (("stack", str(text)) for found in servers for text in found.get("passwords", {}).values())
    except (OSError, ValueError, TypeError, AttributeError):
        return  # a damaged file is reported by `load`


def _is_secret(field: FieldInfo) -> bool:
    return SecretStr in get_args(field.annotation)


def origin(field_name: str) -> Origin:
    """Where the value of a field comes from."""
    name = variable(field_name)
    if os.environ.get(name):
        return "environment"
    if name in stack_environment(home()):
        return "embedded stack"
    return "not set" if Settings.model_fields[field_name].default is None else "default"
