"""SIGTERM and SIGINT end the work after the operation in hand; SIGHUP starts a cycle now."""

from __future__ import annotations

import os
import signal
import threading


def stop_on_signals(stop: threading.Event, wake: threading.Event) -> None:
    """Set ``wake`` on each signal, and ``stop`` on all but SIGHUP.

    A second SIGINT ends the process at once.

    A thread handles them, told by Python's wakeup pipe. A handler would run in the main thread:
    inside an event's lock, which setting the event then waits for without end, or not at all
    when the signal comes just before that thread falls asleep.
    """
    came, told = os.pipe()
    os.set_blocking(told, False)

    def listen() -> None:
        while True:
            if set(os.read(came, 4096)) - {signal.SIGHUP}:
                stop.set()
            wake.set()

    def handle(number: int, frame: object) -> None:
        del frame
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    threading.Thread(target=listen, name="signals", daemon=True).start()
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, handle)
