"""What a domain offers to `marts seed` and `marts demo`: its module ``demo`` has a `Demo` named ``DEMO``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


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
        shown: what is worth a look afterwards.
        hints: commands to try next.
        preferred: settings that go with the demo data, by variable name; the environment overrules them.
    """

    seed: Callable[[Callable[[str], str], float], str]
    shown: Sequence[Shown] = ()
    hints: Sequence[str] = ()
    preferred: Mapping[str, str] = field(default_factory=dict[str, str])
