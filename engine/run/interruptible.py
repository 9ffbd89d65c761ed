"""Wait for work that may take long, without being held by it when the process is to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from ..reconcile import Ports


_POLL: Final = 0.05
T = TypeVar("T")


def attended(ports: Ports, work: Callable[[], T]) -> T | None:
    """Return what ``work`` returns, or raise what it raises.

    None when a stop came while it only read: a server that does not answer must not keep the
    process from ending. A write in hand is waited for, since its result is to be in the log.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - it is raised again, where it is awaited
            failed.append(error)

    thread = threading.Thread(target=run, name="cycle", daemon=True)
    thread.start()
    stopped = 0.0
    while thread.is_alive():
        thread.join(_POLL)
        if ports.stop.is_set() and not ports.writing.is_set():
            stopped = stopped or time.monotonic()
            if time.monotonic() - stopped > ports.http.timing.patience:
                return None
    if failed:
        raise failed[0]
    return done[0]
