"""What the command line shows: settings, servers and query results. It formats, and connects to nothing."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import cast
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from rich.text import Text

from marts_platform import settings
from marts_platform.embedded.server import ServerStatus

MASK = "****"
_UNLIMITED = 100_000
_SECRET_PARAMETER = re.compile(r"(?i)((?:^|&)(?:password|passwd|pwd|token|secret|sslpassword)=)[^&]*")


def masked(value: str) -> str:
    """A connection URL without its password, or one in a parameter; what cannot be parsed is hidden whole."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return MASK
    if not parts.scheme or not parts.netloc:
        return MASK
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    netloc = f"{name}{colon and ':' + MASK}{at}{host}"
    query = _SECRET_PARAMETER.sub(rf"\g<1>{MASK}", parts.query)
    return urlunsplit((parts.scheme, netloc, parts.path, query, parts.fragment))


def clear(value: object) -> str:
    """A setting's value as its environment variable spells it, secrets in the clear; not set is empty."""
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(str(item) for item in cast("tuple[object, ...]", value))
    return str(value)


def shown(value: object) -> str:
    """A setting's value for people: as `clear`, but secrets masked."""
    return masked(clear(value)) if isinstance(value, SecretStr) else clear(value)


def exports(values: Mapping[str, str]) -> str:
    """``export NAME='value'`` lines that a shell may eval."""
    return "".join(f"export {name}={_quoted(value)}\n" for name, value in values.items())


def _quoted(value: str) -> str:
    quoted = shlex.quote(value)
    return quoted if quoted.startswith("'") else f"'{quoted}'"


def settings_in_force(current: settings.Settings) -> dict[str, str]:
    """Every setting that has a value, by variable name, secrets in the clear."""
    values = {
        settings.variable(name): clear(getattr(current, name)) for name in settings.Settings.model_fields
    }
    return {name: value for name, value in values.items() if value}


def screen() -> Console:
    """Where tables go. Into a pipe or a file they are as wide as they need to be: nothing is folded."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_UNLIMITED)


def servers_table(servers: Iterable[ServerStatus]) -> Table:
    """The servers of the stack, one a line."""
    table = Table("server", "state", "port", "pid", "version", title="Embedded stack", title_justify="left")
    for server in servers:
        state = Text("running", "green") if server.alive else Text("stopped", "yellow")
        port, pid = ("" if number is None else str(number) for number in (server.port, server.pid))
        table.add_row(server.name, state, port, pid, server.version)
    return table


def settings_table(current: settings.Settings) -> Table:
    """Every setting: its value with secrets masked, where it comes from, what it is."""
    table = Table(title="Settings", title_justify="left")
    table.add_column("variable", no_wrap=True)
    table.add_column("value, and what it is", overflow="fold")
    table.add_column("from", no_wrap=True)
    for name, field in settings.Settings.model_fields.items():
        value = Text(shown(getattr(current, name)))
        value.append(f"\n{field.description or ''}", "dim")
        table.add_row(settings.variable(name), value, settings.origin(name), end_section=True)
    return table


def result_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A query's result; NULL is told from empty text."""
    table = Table()
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        table.add_row(*(Text("NULL", "dim italic") if value is None else Text(str(value)) for value in row))
    return table
