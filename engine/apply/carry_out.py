"""Carry a plan out, in its order, with one or several writers. Start reading here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby

from ..litellm.api import Proxy
from ..plan.plan import CREATE, REPLACE, Operation, Order, Plan
from ..transport.background import share_out
from .result import NOT_ATTEMPTED, Result
from .settle import FENCED, perform

Write = Callable[[Operation], None]
"""Carries out one operation; what it raises ends the work of all writers."""


def apply_plan(
    plan: Plan,
    proxy: Proxy,
    report: Callable[[Result], None],
    stopping: Callable[[], bool] = lambda: False,
    may_write: Callable[[], bool] = lambda: True,
) -> tuple[Result, ...]:
    """Carry out the operations of a plan, and pass each result to ``report`` at once.

    After a failed create or replace, deletes of the same public name are not attempted: the name
    might lose its last deployment. When LiteLLM refuses the key, does not answer or has lost its
    database, or when ``stopping`` returns true or ``may_write`` false, the remaining operations are
    not attempted. ``may_write`` is asked before each write, so that it also ends an operation of
    several. A failed operation raises nothing; ``report`` may raise, and then none is begun any
    more. Several writers report one after the other; the results are in the order of the plan.
    """
    carrier = _Carrier(report, stopping, may_write)
    writers = proxy.writers(may_write)
    write_all(plan.operations, [partial(carrier.carry, writer) for writer in writers])
    return tuple(carrier.results[operation.order()] for operation in plan.operations)


def write_all(operations: Sequence[Operation], writers: Sequence[Write]) -> None:
    """Give every operation to a writer, and return once all are done.

    An action begins when the one before it is done with: no delete before the last create has
    ended. Within an action, writers work at the same time on different public names; the operations
    of one name, and those of a single writer, keep the order of the plan.
    """
    for _, phase in groupby(operations, key=lambda operation: operation.action):
        groups: dict[str, list[Operation]] = {}
        for operation in phase:
            groups.setdefault(operation.key.name if len(writers) > 1 else "", []).append(operation)
        share_out(list(groups.values()), writers, "write")


class _Carrier:
    """What the writers of a plan share; each operation begins and ends under its lock."""

    def __init__(
        self,
        report: Callable[[Result], None],
        stopping: Callable[[], bool],
        may_write: Callable[[], bool],
    ) -> None:
        self.results: dict[Order, Result] = {}
        self._report = report
        self._stopping = stopping
        self._may_write = may_write
        self._lock = threading.Lock()
        self._unsafe: set[str] = set()
        self._halted = ""

    def carry(self, proxy: Proxy, operation: Operation) -> None:
        """Carry out an operation, unless that must not be, and report the result."""
        with self._lock:
            why, halt = self._forbids(operation), ""
        if why:
            result = Result(operation, NOT_ATTEMPTED, why)
        else:
            result, halt = perform(operation, proxy)
        with self._lock:
            self._halted = self._halted or halt
            if not result.done and operation.action in (CREATE, REPLACE):
                self._unsafe.add(operation.key.name)
            self.results[operation.order()] = result
            try:
                self._report(result)
            except BaseException:
                self._halted = self._halted or "the result of another one was not recorded"
                raise

    def _forbids(self, operation: Operation) -> str:
        """Return why an operation must not begin, "" if it may."""
        if not self._halted and self._stopping():
            self._halted = "stopping"
        if not self._halted and not self._may_write():
            self._halted = FENCED
        if not self._halted and operation.takes_away and operation.key.name in self._unsafe:
            return f"{operation.key.name!r} might lose its last deployment"
        return self._halted
