"""Carry out one operation, and settle what LiteLLM's answer leaves open.

An error of LiteLLM does not show whether the row was written: an id that is taken, a failing
database and a row that is stored but cannot be served all give HTTP 500, and an answer may be
lost. After any answer other than success, the row is therefore read back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..errors import Fenced, NoDatabase, Rejected, TransportError, Unavailable
from ..litellm.api import Proxy
from ..litellm.error_messages import STORED_ONLY
from ..litellm.row import stamped
from ..litellm.serving import is_served_by_all, wait_until_served
from ..plan.plan import BLOCK, CREATE, DELETE, REPLACE, UNBLOCK, UPDATE, Operation
from ..state.deployment import MARK
from .result import ALREADY, APPLIED, FAILED, NOT_ATTEMPTED, UNKNOWN, Result

FENCED: Final = "another engine may lead now"
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


def perform(operation: Operation, proxy: Proxy) -> tuple[Result, str]:
    """Return the result, and why the remaining operations must be skipped ("" if not)."""
    try:
        return _ACTS[operation.action](operation, proxy), ""
    except Rejected as error:
        halt = "LiteLLM does not let us write" if error.status in (401, 403) else ""
        return Result(operation, FAILED, str(error)), halt
    except NoDatabase as error:
        return Result(operation, UNKNOWN, str(error)), "LiteLLM's database is down"
    except Unavailable as error:
        halt = "LiteLLM does not answer" if error.status == 0 else ""
        return Result(operation, UNKNOWN, str(error)), halt
    except Fenced:
        return Result(operation, UNKNOWN, f"not finished: {FENCED}"), FENCED
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
    if operation.keeps and not is_served_by_all(operation.keeps, proxy):
        why = _KEPT_NOT_EVERYWHERE.format(kept=operation.keeps)
        return Result(operation, NOT_ATTEMPTED, why)
    try:
        sent = stamped(operation.row, proxy.stamp())
        proxy.patch(operation.id, sent, operation.removed_params)
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
    seen, planned = row["model_info"].get(MARK), operation.row["model_info"][MARK]
    blocked = row["model_info"].get("blocked") is True
    return (
        isinstance(seen, dict)
        and all(
            seen.get(name) == planned.get(name) for name in ("fingerprint", "paused", "released")
        )
        and blocked == operation.row.get("blocked", blocked)
    )


_ACTS: Final[Mapping[str, Callable[[Operation, Proxy], Result]]] = {
    CREATE: _create,
    UPDATE: _update,
    REPLACE: _replace,
    UNBLOCK: _update,
    BLOCK: _update,
    DELETE: _delete,
}
