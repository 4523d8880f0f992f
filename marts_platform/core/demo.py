"""What a domain offers to `marts seed` and `marts demo`: its module ``demo`` has a `Demo` named ``DEMO``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class ServerDownError(ExpectedError):
    """A server of the embedded stack is not up; the message names it and the command that starts it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A query whose result `marts demo` shows once the marts are built.

    Attributes:
        engine: as ``marts sql`` names it.
        title: the table and what the result says.
        file: the SQL file, without parameters.
    """

    engine: str
    title: str
    file: str


@dataclass(frozen=True, slots=True)
class Demo:
    """A domain's demo.

    Attributes:
        seed: fills the embedded source; again is harmless. It takes a function that gives the address of
            a source in the embedded stack, with full rights, by name, and the scale that multiplies what
            is generated. It says in a few words what it made; `said` names the parts whose server is down.
        live: goes on producing, and says now and then what; it ends when it is closed. None: the source has
            no life of its own.
        shown: what is worth a look afterwards.
        hints: commands to try next.
        preferred: settings that go with a source's demo data, by the variable of its address: they hold while
            that address is the stack's, and the environment overrules them.
    """

    seed: Callable[[Callable[[str], str], float], str]
    live: Callable[[Callable[[str], str]], Iterator[str]] | None = None
    shown: Sequence[Shown] = ()
    hints: Sequence[str] = ()
    preferred: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, "Mapping[str, str]"])


def parts(*fills: Callable[[], str]) -> str:
    """Fill each part of a source whose server is up, and return what was made and what was left out.

    Args:
        fills: each fills a part and says what it made; nothing if there was nothing to make.

    Raises:
        ServerDownError: no part could be filled.
    """
    made: list[str] = []
    down: list[ServerDownError] = []
    for fill in fills:
        try:
            made.append(fill())
        except ServerDownError as error:
            down.append(error)
    if down and not any(made):
        raise down[0]
    left_out = [f"left out: {text}" for text in dict.fromkeys(map(str, down))]
    return "; ".join([", ".join(filter(None, made)), *left_out])
