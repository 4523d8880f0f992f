"""What the command line shows: settings, servers and query results. It formats, and connects to nothing."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, TextIO, cast

from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from rich.text import Text

from marts_platform import masking, settings
from marts_platform.embedded.server import ServerStatus

MASK = "****"
_UNLIMITED = 100_000
# No host or path holds "@" or "#": behind one of them stands a part of a password that was not encoded.
_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?:(?P<user>[^/?]*)(?P<at>@))?(?P<place>[^@#?]*)(?P<query>(?:\?.*)?)",
    re.S,
)
_SECRET_PARAMETER = re.compile(r"(?i)((?:^|[?&])(?:password|passwd|pwd|token|secret|sslpassword)=)[^&]*")


def masked(value: str) -> str:
    """A connection URL without its password, or one in a parameter; what cannot be parsed is hidden whole."""
    found = _URL.fullmatch(value)
    if found is None or ("@" in value and not found["at"]):
        return MASK
    name, colon, _ = (found["user"] or "").partition(":")
    query = _SECRET_PARAMETER.sub(rf"\g<1>{MASK}", found["query"])
    if "@" in query:
        query = f"?{MASK}"
    return f"{found['scheme']}://{name}{colon and ':' + MASK}{found['at'] or ''}{found['place']}{query}"


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


def shown_setting(name: str, value: object) -> str:
    """A setting's value for people; a webhook's path is its secret."""
    text = shown(value)
    if name == "alert_webhook_url" and value is not None:
        scheme, _, address = text.partition("://")
        return f"{scheme}://{address.partition('/')[0]}/{MASK}"
    return text


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


class MaskedStream:
    """A stream whose texts lose their secrets before they are written."""

    def __init__(self, stream: IO[str]) -> None:
        """Write to a stream."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text without secrets."""
        self._stream.write(masking.masked(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        """Return what the stream has."""
        return getattr(self._stream, name)


@contextmanager
def masked_errors() -> Generator[None]:
    """Mask what is written to standard error meanwhile: warnings, logs, messages."""
    stream = sys.stderr
    sys.stderr = cast("TextIO", MaskedStream(stream))
    try:
        yield
    finally:
        sys.stderr = stream


def screen(*, is_masked: bool = True) -> Console:
    """Return the console for tables. In a pipe or a file, tables keep their full width.

    Args:
        is_masked: whether secrets are masked; rows that somebody asked for are shown as they are.
    """
    file = cast("IO[str]", MaskedStream(sys.stdout)) if is_masked else None
    console = Console(file=file, highlight=False)
    return console if console.is_terminal else Console(file=file, highlight=False, width=_UNLIMITED)


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
        value = Text(shown_setting(name, getattr(current, name)))
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
