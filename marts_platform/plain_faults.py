"""Faults of servers and drivers as one line that says what to do: for whoever waits at a terminal."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from marts_platform.core.faults import is_passing
from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# Whose errors are a server's, or the way to one. Everything else is a fault of ours, and shows where it is.
_DRIVERS = frozenset({"psycopg2", "pymysql", "clickhouse_connect"})
# SQLSTATEs of what a migration makes: a table, a schema, a column, a function (PostgreSQL, appendix A).
_MISSING = frozenset({"42P01", "3F000", "42703", "42883"})


class ServerFaultError(ExpectedError):
    """A server did not answer, or refused."""


@contextlib.contextmanager
def said_plainly() -> Generator[None]:
    """Makes one line of a driver's error, within whatever wraps it; other errors pass as they are.

    Raises:
        ServerFaultError: a server did not answer, or refused.
    """
    try:
        yield
    except Exception as error:
        cause = next((found for found in _chain(error) if _is_of_a_driver(found)), None)
        if cause is None or isinstance(error, ExpectedError):
            raise
        raise ServerFaultError(plain(cause)) from error


def plain(error: BaseException) -> str:
    """A driver's error in one line, with what to do. Drivers name host, port and role, never the password."""
    message = error.args[-1] if type(error).__module__.startswith("pymysql") and error.args else error
    said = " ".join(str(message).split()) or type(error).__name__
    if getattr(error, "pgcode", None) in _MISSING:
        return f"{said}: run `marts migrate`, or see in `marts status` whether this is the right database"
    if is_passing(error):
        return (
            f"a server did not answer: {said}. `marts up` starts the embedded ones, `marts status` lists all"
        )
    return f"a server refused: {said}. See the addresses in `marts status`"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_of_a_driver(error: BaseException) -> bool:
    return type(error).__module__.split(".", maxsplit=1)[0] in _DRIVERS
