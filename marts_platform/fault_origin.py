"""The setting whose server raised a driver's error, as a note on the error."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

_NOTE = "The server is the one of {}."
_NAMED = re.compile(r"The server is the one of (MARTS_\w+)\.")


def name_server(error: BaseException, variable: str) -> None:
    """Note on an error the variable of its server, unless one is noted."""
    if server_of(error) is None:
        error.add_note(_NOTE.format(variable))


def server_of(error: BaseException) -> str | None:
    """Return the variable of the server that raised an error, None if it is unknown."""
    for note in getattr(error, "__notes__", ()):
        if found := _NAMED.fullmatch(str(note)):
            return found.group(1)
    return None


def server_in(text: str) -> str | None:
    """Return the variable of the server that an error's text names with its notes."""
    found = _NAMED.search(text)
    return found.group(1) if found else None


@contextmanager
def naming_server(
    variable: str, kind: type[Exception], is_its_own: Callable[[Exception], bool] = lambda _: True
) -> Generator[None]:
    """Note on a driver's errors the variable of their server.

    Args:
        variable: the variable that holds the server's address.
        kind: the driver's errors.
        is_its_own: tells errors of this connection from those of others.
    """
    try:
        yield
    except kind as error:
        if is_its_own(error):
            name_server(error, variable)
        raise
