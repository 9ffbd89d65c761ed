"""SIGTERM and SIGINT stop after the operation in progress; SIGHUP starts a cycle at once."""

from __future__ import annotations

import os
import signal
import threading


def stop_on_signals(stop: threading.Event, wake: threading.Event) -> None:
    """Set ``wake`` on each signal, and before that ``stop`` on all but SIGHUP.

    A second SIGINT ends the process at once. A thread sets the events; it learns of signals
    through Python's wakeup pipe. A handler would run in the main thread instead. It could
    interrupt that thread while it holds the lock of the event, and setting the event would then
    wait forever. Or it would not run at all, if the signal arrives just before the thread begins
    to wait.
    """
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)

    def listen() -> None:
        while True:
            if set(os.read(read_end, 4096)) - {signal.SIGHUP}:
                stop.set()
            wake.set()

    def handle(number: int, frame: object) -> None:
        del frame
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    threading.Thread(target=listen, name="signals", daemon=True).start()
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handle)
