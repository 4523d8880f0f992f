"""What a domain offers to `marts seed` and `marts demo`: its module ``demo`` has a `Demo` named ``DEMO``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


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
            is generated. It says in a few words what it made.
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
