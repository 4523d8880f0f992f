"""What the text of a setting may be, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import SecretStr, ValidationError

# PostgreSQL reads these as abbreviations of fixed offsets, Python and Java as zones with summer time: the
# same local time would be two moments. "localtime" is whatever the machine has.
_AMBIGUOUS_ZONES = frozenset({"CET", "EET", "MET", "WET", "localtime"})


def listed(value: str) -> tuple[str, ...]:
    """A comma-separated text as its parts, each once."""
    return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


def pairs(text: SecretStr | None) -> dict[str, str]:
    """What ``name=value name=value`` says, by name."""
    parts = [part.partition("=") for part in text.get_secret_value().split()] if text else []
    return {name: value for name, _, value in parts}


def clear_zone(value: str) -> str:
    """A time zone that Python, PostgreSQL and Java take for the same one.

    Raises:
        ValueError: it is none, or not the same one to all of them.
    """
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{value!r} is not a time zone; use an IANA name such as Europe/Berlin") from error
    if value in _AMBIGUOUS_ZONES:
        raise ValueError(
            f"{value!r} means different zones to different systems; name a city's, such as Europe/Berlin"
        )
    return value


def clear_cron(value: str) -> str:
    """Times as Dagster's schedules take them.

    Raises:
        ValueError: they are none.
    """
    import dagster as dg

    try:
        dg.ScheduleDefinition(name="any", job_name="any", cron_schedule=value)
    except dg.DagsterInvalidDefinitionError as error:
        raise ValueError(f"{value!r} is no time as cron has it; '0 * * * *' is every hour") from error
    return value


def is_stack(content: object) -> TypeGuard[dict[str, Any]]:
    """Tell whether the content of a stack's file has the form that this version writes."""
    if not isinstance(content, dict):
        return False
    parts = cast("dict[str, object]", content)
    flat = (parts.get("environment", {}), parts.get("owners", {}))
    nested = (parts.get("servers", {}), parts.get("preferred_with", {}))
    return all(_is_of(part, str) for part in flat) and all(_is_of(part, dict) for part in nested)


def _is_of(part: object, kind: type) -> bool:
    if not isinstance(part, dict):
        return False
    return all(isinstance(value, kind) for value in cast("dict[str, object]", part).values())


def with_preferred(
    offered: Mapping[str, str], preferred: Mapping[str, Mapping[str, str]], environment: Mapping[str, str]
) -> dict[str, str]:
    """What a stack offers, with what is preferred beside it while it gives a source's address.

    Args:
        offered: by variable name.
        preferred: by the variable of the source's address, by variable name.
        environment: whose addresses come before the offered ones.
    """
    found: dict[str, str] = {}
    for address, values in preferred.items():
        if address in offered and not environment.get(address):
            found |= values
    return {**found, **offered}


def reasons_of(error: ValidationError, variable: Callable[[str], str]) -> str:
    """Which variables were refused, and why, without their values: a rejected URL may hold a password."""
    faults = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(
        f"{variable(str(fault['loc'][0]))}: {fault['msg'].removeprefix('Value error, ')}" for fault in faults
    )
