"""Connections that a process keeps between uses, for whoever asks for their like next."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

Kept = TypeVar("Kept")


class Idle(Generic[Kept]):
    """What nobody uses now. It closes nothing: whatever it gives up is returned, or left to the collector.

    Args:
        most: how many are kept; the oldest go.
        seconds: how long they are kept; None for as long as the process lives.
    """

    def __init__(self, most: int, seconds: float | None = None) -> None:
        self._most = most
        self._seconds = seconds
        self._entries: list[tuple[float, Hashable, Kept]] = []
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def take(self, key: Hashable) -> Kept | None:
        """The one of a key that was kept last, which is the taker's from now on."""
        with self._lock:
            if self._seconds is not None:
                oldest = time.monotonic() - self._seconds
                self._entries[:] = [entry for entry in self._entries if entry[0] > oldest]
            for place in reversed(range(len(self._entries))):
                if self._entries[place][1] == key:
                    return self._entries.pop(place)[2]
        return None

    def keep(self, key: Hashable, connection: Kept) -> list[Kept]:
        """Keeps one, and gives those that have to go for it."""
        with self._lock:
            self._entries.append((time.monotonic(), key, connection))
            return [self._entries.pop(0)[2] for _ in range(len(self._entries) - self._most)]

    def _forget(self) -> None:
        """What the parent of a forked child keeps is not the child's, and not for it to close."""
        self._lock = threading.Lock()
        self._entries.clear()
