"""Imports that no interrupt cuts.

Of a package whose import is cut, parts stay in the process and the package itself does not: the next import
of pandas fails (``partially initialized module 'pandas' has no attribute …``). Dagster tries an interrupted
step again, in the same process, where the asset has a retry policy; and what a load does on its way out
imports as well.
"""

from __future__ import annotations

import signal
import sys
import threading
from importlib import import_module

_INTERRUPTS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


def whole(*names: str) -> None:
    """Imports modules; an interrupt that arrives meanwhile waits for their end.

    Args:
        names: of the modules; those that are there already cost nothing.
    """
    missing = [name for name in names if name not in sys.modules]
    if not missing:
        return
    # Python runs the handlers of signals in its main thread alone: no other thread's import is cut.
    is_main = threading.current_thread() is threading.main_thread()
    arrived: list[int] = []
    # None: a handler that is none of Python's, which raises nothing here and could not be put back.
    before = {
        number: signal.signal(number, lambda arriving, _: arrived.append(arriving))
        for number in _INTERRUPTS
        if is_main and signal.getsignal(number) is not None
    }
    try:
        for name in missing:
            import_module(name)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in arrived:
            signal.raise_signal(number)
