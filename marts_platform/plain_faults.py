"""Faults of servers and drivers as one line that says what to do: for whoever waits at a terminal."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

from marts_platform.core.faults import PassingFault, is_passing, said_by
from marts_platform.fault_origin import server_of
from marts_platform.masking import cleaned
from marts_platform.settings import ExpectedError, SettingsError, home

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# Whose errors are a server's, or the way to one. Everything else is a fault of ours, and shows where it is.
_DRIVERS = frozenset({"psycopg2", "pymysql", "clickhouse_connect"})
# A line of a statement that nobody at the terminal wrote.
_LINE = re.compile(r"^LINE \d+$", re.M)
# SQLSTATEs of what a migration makes: a table, a schema, a column, a function (PostgreSQL, appendix A).
_MISSING = frozenset({"42P01", "3F000", "42703", "42883"})
# No such database, table or column: MySQL's errors, ClickHouse's.
_MISSING_MYSQL = frozenset({1049, 1054, 1146})
_MISSING_CLICKHOUSE = ("(UNKNOWN_TABLE)", "(UNKNOWN_DATABASE)", "(NO_SUCH_COLUMN_IN_TABLE)")
# What `marts migrate` makes tables in.
_WAREHOUSES = ("MARTS_WAREHOUSE_URL", "MARTS_CLICKHOUSE_URL", "MARTS_SHOP_REPLICA_URL")


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
        if isinstance(error, ExpectedError) or (expected := plainly(error)) is None:
            raise
        raise expected from error


def plainly(error: Exception) -> ExpectedError | None:
    """Return what a terminal shows of a server's or a file's fault, None for a fault of ours."""
    if isinstance(error, OSError) and error.filename is not None and _is_at_home(str(error.filename)):
        return SettingsError(
            f"MARTS_HOME ({home()}) cannot be used: {error.strerror}: {error.filename}. Name another folder"
        )
    cause = next((found for found in _chain(error) if _is_of_a_driver(found)), None)
    return None if cause is None else ServerFaultError(plain(cause))


def _is_at_home(path: str) -> bool:
    return Path(path).absolute().is_relative_to(home()) or home().is_relative_to(Path(path).absolute())


def plain_of_any(error: BaseException) -> str:
    """A driver's error in one line, with what to do; of other errors their own message."""
    return plain_of_an_expected(error) or cleaned(said_by(error))


def plain_of_an_expected(error: BaseException | None) -> str | None:
    """Return a driver's or an expected error in one line, None for a fault of ours."""
    if isinstance(error, ExpectedError | PassingFault):
        return cleaned(said_by(error))
    cause = next((found for found in _chain(error) if _is_of_a_driver(found)), None)
    return None if cause is None else plain(cause)


def plain(error: BaseException) -> str:
    """Return a driver's error in one line: the variable of its server, the reason, what to do."""
    message = error.args[-1] if type(error).__module__.startswith("pymysql") and error.args else error
    said = " ".join(_LINE.sub("", cleaned(str(message))).split()) or type(error).__name__
    variable = server_of(error)
    server = f"the server of {variable}" if variable else "a server"
    if _is_missing(error):
        if variable in (None, *_WAREHOUSES):
            return (
                f"{server}: {said}: run `marts migrate`, or see in `marts status` whether it is the right one"
            )
        return f"the database of {variable} lacks what is read: {said}. Is {variable} the right one?"
    if "row-level security" in said:
        return (
            f"{server}: {said}. A policy would hide rows from the role: ALTER ROLE … BYPASSRLS, or "
            f"ALTER TABLE … DISABLE ROW LEVEL SECURITY"
        )
    if is_passing(error):
        return (
            f"{server} did not answer: {said}. `marts up` starts the embedded ones, `marts status` lists all"
        )
    return f"{server} refused: {said}. See {variable or 'the addresses'} in `marts status`"


def _is_missing(error: BaseException) -> bool:
    code = error.args[0] if error.args and type(error).__module__.startswith("pymysql") else None
    return (
        getattr(error, "pgcode", None) in _MISSING
        or code in _MISSING_MYSQL
        or any(name in str(error) for name in _MISSING_CLICKHOUSE)
    )


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _is_of_a_driver(error: BaseException) -> bool:
    return type(error).__module__.split(".", maxsplit=1)[0] in _DRIVERS
