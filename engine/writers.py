"""Several writers at once: in which order operations are carried out, and when none is begun."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby

from .plan.plan import Operation
from .transport.background import Background

Write = Callable[[Operation], None]
"""Carries out one operation; what it raises ends the work of all writers."""


def write_all(operations: Sequence[Operation], writers: Sequence[Write]) -> None:
    """Give every operation to a writer, and return once all are done.

    An action begins when the one before it is done with: no delete before the last create has
    ended. Within an action, writers work at the same time on different public names; the operations
    of one name, and those of a single writer, keep the order of the plan.
    """
    stop = threading.Event()
    for _, phase in groupby(operations, key=lambda operation: operation.action):
        in_order = list(phase)
        groups = _by_name(in_order) if len(writers) > 1 else [in_order]
        waiting: queue.SimpleQueue[list[Operation]] = queue.SimpleQueue()
        for group in groups:
            waiting.put(group)
        others = [
            Background(partial(_work, waiting, writer, stop), f"write-{number}")
            for number, writer in enumerate(writers[1 : len(groups)], 1)
        ]
        try:
            _work(waiting, writers[0], stop)
        finally:
            for other in others:
                other.wait()
        for other in others:
            other.result()


def _by_name(operations: Sequence[Operation]) -> list[list[Operation]]:
    """Return the operations of each public name, in the order of the first ones."""
    groups: dict[str, list[Operation]] = {}
    for operation in operations:
        groups.setdefault(operation.key.name, []).append(operation)
    return list(groups.values())


def _work(waiting: queue.SimpleQueue[list[Operation]], write: Write, stop: threading.Event) -> None:
    try:
        while not stop.is_set():
            for operation in waiting.get_nowait():
                write(operation)
    except queue.Empty:
        return
    except BaseException:
        stop.set()
        raise
