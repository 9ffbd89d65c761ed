"""SIGTERM and SIGINT end the work after the operation in hand; SIGHUP starts a cycle now."""

from __future__ import annotations

import signal

from .reconcile import Engine


def stop_on_signals(engine: Engine) -> None:
    """Let signals steer an engine. A second SIGINT ends the process at once."""

    def stop(number: int, frame: object) -> None:
        del frame
        engine.stop.set()
        engine.wake.set()
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def wake(number: int, frame: object) -> None:
        del number, frame
        engine.wake.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGHUP, wake)
