"""Run work that may take long, so that a stop does not have to wait for it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from ..transport.background import Background

_POLL: Final = 0.05
T = TypeVar("T")


def run_interruptibly(
    work: Callable[[], T], stop: threading.Event, writing: threading.Event, patience: float
) -> T | None:
    """Return what ``work`` returns, or raise what it raises.

    Return None if ``stop`` was set and the work did not end within ``patience`` seconds: a server
    that does not answer must not keep the process from ending. The time does not run while
    ``writing`` is set, since the result of each write must reach the log.
    """
    cycle = Background(work, "cycle")
    stopped = 0.0
    while not cycle.wait(_POLL):
        if stop.is_set() and not writing.is_set():
            stopped = stopped or time.monotonic()
            if time.monotonic() - stopped > patience:
                return None
    return cycle.result()
