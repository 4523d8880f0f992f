"""``marts forget``: deletes a person's rows from a domain's marts."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import typer
from psycopg2 import OperationalError
from psycopg2.errors import LockNotAvailable

from marts_platform import settings
from marts_platform.camunda import forgetting as camunda
from marts_platform.console import screen
from marts_platform.core.faults import PassingFault
from marts_platform.core.forgetting import Forgettable
from marts_platform.io_managers import postgres_forgetting
from marts_platform.resources.postgres import Limits, PostgresResource

FORGETTABLES = {"camunda": camunda.PROCESS}
"""By domain."""


class ForgettingError(settings.ExpectedError):
    """Nothing was deleted; the message says why."""


def forget(domain: str, keys: Mapping[str, str | None], *, is_confirmed: bool) -> None:
    """Delete a key's rows from the marts and from quarantine, after a question.

    Args:
        domain: of `FORGETTABLES`.
        keys: the value of each key that the command offers, None where none was named.
        is_confirmed: whether the question was answered beforehand.

    Raises:
        ForgettingError: the domain cannot forget, no key was named, or the source still has its rows.
    """
    what = FORGETTABLES.get(domain)
    if what is None:
        raise ForgettingError(f"{domain} declares nothing to forget; {', '.join(sorted(FORGETTABLES))} does")
    key = keys.get(what.key)
    if not key:
        raise ForgettingError(f"name the {what.key}: marts forget {domain} --{what.key} …")
    warehouse = PostgresResource(setting="warehouse_url")
    with warehouse.connect(Limits(read_only=True), purpose="forget") as connection:
        held = postgres_forgetting.held(connection, what, key)
    if not any(held.values()):
        screen().print(f"The marts of {domain} hold nothing of this {what.key}.")
        return
    _refuse_living(what, key)
    if not is_confirmed:
        _confirm(held)
    with warehouse.connect(purpose="forget") as connection:
        try:
            deleted = postgres_forgetting.forget(connection, what, key)
        except PassingFault as error:
            raise ForgettingError(str(error)) from error
        except LockNotAvailable as error:
            raise ForgettingError(
                f"a load, or a query that holds a table, is in the way, nothing was deleted. Run the command "
                f"again when it is over: {error}"
            ) from error
        # Asked again while no load can publish: only the source could bring the rows back.
        _refuse_living(what, key)
        connection.commit()
    screen().print(f"Deleted {_listed(deleted)}. ops.forgotten records it without the {what.key}.")


def _confirm(held: Mapping[str, int]) -> None:
    """Ask before rows go, and refuse where nobody can answer."""
    if not sys.stdin.isatty():
        raise ForgettingError(
            f"{_listed(held)} would be deleted. Nobody can be asked without a terminal; --yes deletes "
            f"without a question"
        )
    typer.confirm(f"Delete {_listed(held)} for good?", abort=True, err=True)


def _refuse_living(what: Forgettable, key: str) -> None:
    try:
        rows = what.rows_at_source(key)
    except OperationalError as error:
        raise ForgettingError(
            f"the source of {what.domain} did not answer, and it may still have rows of this {what.key}. "
            f"Nothing was deleted. See the addresses in `marts status`"
        ) from error
    if rows:
        raise ForgettingError(
            f"the source of {what.domain} still has {rows} rows of this {what.key}, and the next load would "
            f"bring them back. Nothing was deleted: delete them at the source, then run the command again"
        )


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{rows} rows of {table}" for table, rows in counts.items())
