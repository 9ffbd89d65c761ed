"""Carry a plan out, in its order. Compares nothing and plans nothing.

An error of LiteLLM does not show whether the row was written: an id that is taken, a failing
database and a row that is stored but cannot be served all give HTTP 500, and an answer may be
lost. After any answer other than success, the row is therefore read back.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any, Final

from .errors import NoDatabase, Rejected, TransportError, Unavailable
from .litellm.api import Proxy
from .litellm.error_messages import STORED_ONLY
from .litellm.serving import is_served_by_all, wait_until_served
from .plan.plan import CREATE, DELETE, REPLACE, UPDATE, Operation, Order, Plan
from .state.deployment import MARK
from .transport.background import share_out

APPLIED: Final = "applied"
ALREADY: Final = "already"
FAILED: Final = "failed"
UNKNOWN: Final = "unknown"
NOT_ATTEMPTED: Final = "not_attempted"
OUTCOMES: Final = (APPLIED, ALREADY, FAILED, UNKNOWN, NOT_ATTEMPTED)
_NOT_SERVED: Final = (
    "stored, but not served by the proxy that answered: another replica learns of it within its"
    " reload interval; if it stays so, LiteLLM does not know the provider prefix"
)
_NOT_EVERYWHERE: Final = (
    "another replica of LiteLLM does not serve the new one yet; the next cycle removes the old one"
)
_KEPT_NOT_EVERYWHERE: Final = (
    "a replica of LiteLLM does not serve {kept} yet, which stays; the next cycle removes this one"
)
_LISTED_ONLY: Final = (
    "LiteLLM's database has no such row; LiteLLM may list it until it reads its database again"
)


Write = Callable[[Operation], None]
"""Carries out one operation; what it raises ends the work of all writers."""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of one operation.

    ``applied``: done now; ``already``: found done, perhaps by an earlier attempt; ``failed``:
    LiteLLM refused it; ``unknown``: no clear answer, the next cycle finds out;
    ``not_attempted``: not started. ``detail`` explains the outcome, and may be empty.
    """

    operation: Operation
    outcome: str
    detail: str = ""

    @property
    def done(self) -> bool:
        """Whether LiteLLM is now in the state that the operation plans."""
        return self.outcome in (APPLIED, ALREADY)


def apply_plan(
    plan: Plan,
    proxy: Proxy,
    report: Callable[[Result], None],
    stopping: Callable[[], bool] = lambda: False,
) -> tuple[Result, ...]:
    """Carry out the operations of a plan, and pass each result to ``report`` at once.

    After a failed create or replace, deletes of the same public name are not attempted: the name
    might lose its last deployment. When LiteLLM refuses the key, does not answer or has lost its
    database, or when ``stopping`` returns true, the remaining operations are not attempted. A
    failed operation raises nothing; ``report`` may raise, and then none is begun any more. Several
    writers report one after the other; the results are in the order of the plan.
    """
    carrier = _Carrier(report, stopping)
    write_all(plan.operations, [partial(carrier.carry, writer) for writer in proxy.writers()])
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

    def __init__(self, report: Callable[[Result], None], stopping: Callable[[], bool]) -> None:
        self.results: dict[Order, Result] = {}
        self._report = report
        self._stopping = stopping
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
            result, halt = _perform(operation, proxy)
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
        if not self._halted and operation.action == DELETE and operation.key.name in self._unsafe:
            return f"{operation.key.name!r} might lose its last deployment"
        return self._halted


def _perform(operation: Operation, proxy: Proxy) -> tuple[Result, str]:
    """Return the result, and why the remaining operations must be skipped ("" if not)."""
    act = {CREATE: _create, UPDATE: _update, REPLACE: _replace, DELETE: _delete}[operation.action]
    try:
        return act(operation, proxy), ""
    except Rejected as error:
        halt = "LiteLLM does not let us write" if error.status in (401, 403) else ""
        return Result(operation, FAILED, str(error)), halt
    except NoDatabase as error:
        return Result(operation, UNKNOWN, str(error)), "LiteLLM's database is down"
    except Unavailable as error:
        halt = "LiteLLM does not answer" if error.status == 0 else ""
        return Result(operation, UNKNOWN, str(error)), halt
    except TransportError as error:
        return Result(operation, UNKNOWN, str(error)), ""


def _create(operation: Operation, proxy: Proxy) -> Result:
    attempts = proxy.timing.create_attempts
    for attempt in range(1, attempts + 1):
        try:
            proxy.create(operation.row)
        except NoDatabase:
            raise
        except Unavailable as error:
            row = _read_back(proxy, operation.id)
            if row is not None:
                return _settle(operation, proxy, row, str(error))
            proxy.rule_out_outage(error)
            if attempt == attempts:
                raise
            time.sleep(proxy.timing.apply_pause)
        else:
            if proxy.editing.reports_unserved or wait_until_served(operation.id, proxy):
                return Result(operation, APPLIED)
            return _withdraw(operation, proxy, _NOT_SERVED)
    raise AssertionError("unreachable")


def _withdraw(operation: Operation, proxy: Proxy, reason: str) -> Result:
    """Delete a row that LiteLLM stored but cannot serve: no listing would show it later."""
    proxy.delete(operation.id)
    return Result(operation, FAILED, reason)


def _settle(operation: Operation, proxy: Proxy, row: dict[str, Any], reason: str) -> Result:
    """Return the result of a create whose answer was not clear, given the row that was found."""
    if not _is_as_planned(operation, row):
        why = "a row with its id is there with other content; the next cycle brings it in line"
        return Result(operation, UNKNOWN, f"{why} ({reason})")
    if proxy.is_live(operation.id):
        return Result(operation, ALREADY)
    if STORED_ONLY in reason:
        return _withdraw(operation, proxy, reason)
    if not proxy.editing.in_place:
        return Result(operation, ALREADY, _NOT_SERVED)
    try:
        proxy.load(operation.id)
    except Unavailable as error:
        if STORED_ONLY in str(error):
            return _withdraw(operation, proxy, str(error))
        raise
    return Result(operation, ALREADY)


def _update(operation: Operation, proxy: Proxy) -> Result:
    try:
        proxy.patch(operation.id, operation.row, operation.removed_params)
    except NoDatabase:
        raise
    except Unavailable:
        row = _read_back(proxy, operation.id)
        if row is not None and _is_as_planned(operation, row):
            return Result(operation, ALREADY)
        raise
    return Result(operation, APPLIED)


def _replace(operation: Operation, proxy: Proxy) -> Result:
    created = _create(operation, proxy)
    if created.done and created.detail:
        created = Result(operation, UNKNOWN, f"the old row stays: {created.detail}")
    elif created.done and not is_served_by_all(operation.id, proxy):
        created = Result(operation, UNKNOWN, f"the old row stays: {_NOT_EVERYWHERE}")
    if created.done:
        proxy.delete(operation.replaces)
    return created


def _delete(operation: Operation, proxy: Proxy) -> Result:
    if operation.keeps and not is_served_by_all(operation.keeps, proxy):
        why = _KEPT_NOT_EVERYWHERE.format(kept=operation.keeps)
        return Result(operation, NOT_ATTEMPTED, why)
    try:
        there = proxy.delete(operation.id)
    except NoDatabase:
        raise
    except Unavailable:
        if _read_back(proxy, operation.id) is None:
            return Result(operation, ALREADY)
        raise
    return Result(operation, APPLIED) if there else Result(operation, ALREADY, _LISTED_ONLY)


def _read_back(proxy: Proxy, row_id: str) -> dict[str, Any] | None:
    try:
        return proxy.find(row_id)
    except TransportError:
        return None


def _is_as_planned(operation: Operation, row: dict[str, Any]) -> bool:
    seen = row["model_info"].get(MARK)
    planned = operation.row["model_info"][MARK]["fingerprint"]
    return isinstance(seen, dict) and seen.get("fingerprint") == planned
