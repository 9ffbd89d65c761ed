"""Carry out a plan that was saved, as far as LiteLLM's rows still fit it. No backend is asked."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from .apply.result import ALREADY, Result
from .config.model import Config
from .errors import StalePlan, UnusablePlan
from .litellm.api import Proxy
from .litellm.observed import rows_with
from .plan.plan import Operation, Order, Plan
from .plan.stale import Present, backend_of, ids_in, without_stale
from .reconcile import Ports, Report, carry_out
from .rows.chosen import read_rows
from .state.deployment import DesiredState, Endpoint
from .state.endpoint import Scope, address_of
from .state.listing import NOT_ASKED
from .state.pointer import leaves, pointer
from .state.secret import SECRET, Place


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved plan without what is stale, and the LiteLLM that it is for.

    ``done`` are those of its operations that were found done.
    """

    plan: Plan
    done: tuple[Operation, ...]
    desired: DesiredState
    proxy: Proxy


def require_digest(plan: Plan, expected: str) -> None:
    """Return if the digest of a plan begins with what is expected; "" is any.

    Raises:
        StalePlan: it does not.
    """
    if plan.digest.startswith(expected):
        return
    shown = plan.digest[: max(12, len(expected))]
    raise StalePlan(
        f"the plan is not the one that is expected: its digest is {shown}, not {expected}. Nothing"
        " was written. Remedy: look at the plan with `modelprovisioner plan` and the same options;"
        f" if it is right, `apply --expect {shown}`"
    )


def check_saved(plan: Plan, config: Config, ports: Ports) -> Saved:
    """Read LiteLLM's rows, and return the plan without what does not fit them any more.

    Raises:
        UnusablePlan: it is for another LiteLLM, or another owner.
        TransportError: LiteLLM cannot be read.
        InvalidDocument: its listing does not match its schema.
    """
    _check_whose(plan, config)
    rows = read_rows(config, ports)
    present = Present(
        rows_with(ids_in(plan), rows.document),
        rows.observed,
        config.backends,
        unusable(plan, rows.scope, rows.references),
    )
    left, done = without_stale(plan, present)
    return Saved(left, done, shown_state(left, rows.scope), rows.proxy)


def apply_saved(saved: Saved, ports: Ports) -> Report:
    """Report a saved plan, and carry out what is left to do of it.

    Raises:
        Declined: the operator did not say yes.
        Unrecorded: the log cannot be written; no operation was started after that.
    """
    begun = time.monotonic()
    plan = saved.plan
    ports.log.plan(plan, saved.desired)
    done = tuple(Result(operation, ALREADY) for operation in saved.done)
    for result in done:
        ports.log.result(result)
    orders = {operation.order() for operation in saved.done}
    left = tuple(op for op in plan.operations if op.order() not in orders)
    results = done + carry_out(replace(plan, operations=left), saved.proxy, ports)
    ports.log.end(plan, results, {}, time.monotonic() - begun)
    return Report(plan, saved.desired, results)


def _check_whose(plan: Plan, config: Config) -> None:
    for what, made_for, here in (
        ("LiteLLM", plan.litellm, config.litellm.url),
        ("owner", plan.owner, config.owner),
    ):
        if made_for != here:
            raise UnusablePlan(
                f"the plan is for {what} {made_for!r}, and the configuration has {here!r}. Remedy:"
                " name the configuration that it was made with, or make the plan again"
            )


def unusable(plan: Plan, scope: Scope, references: Mapping[Place, str]) -> dict[Order, str]:
    """Return for operations why the configuration does not let them be carried out any more."""
    known: dict[tuple[str, str], set[str]] = {}
    for (endpoint, path, _), reference in references.items():
        known.setdefault((endpoint, path), set()).add(reference)
    found = ((op.order(), _why_unusable(op, scope, known)) for op in plan.operations if op.row)
    return {order: because for order, because in found if because}


def _why_unusable(
    operation: Operation, scope: Scope, known: Mapping[tuple[str, str], set[str]]
) -> str:
    """Return why the row of an operation cannot be sent; "" if it can.

    A key is sent only in a row at an address of the backend that has this key. A row that is only
    blocked or unblocked is sent without its parameters.
    """
    if "litellm_params" not in operation.row:
        return ""
    backend = backend_of(operation)
    reach = scope.reach.get(backend, ())
    if not reach:
        return f"backend {backend or '(none)'} is not in the configuration any more"
    address = address_of(operation.row["litellm_params"].get("api_base"))
    if scope.places.get(address) not in reach:
        return f"{address!r} is not an address of backend {backend} in the configuration"
    for path, reference in _references(operation):
        if reference not in known.get((reach[0], path), ()):
            what = "key" if path == "/litellm_params/api_key" else f"secret {path}"
            return f"the {what} of backend {backend} is not the one the plan was made with"
    return ""


def _references(operation: Operation) -> Iterator[tuple[str, str]]:
    """Yield the path of each secret in the row of an operation, and its reference."""
    for path, leaf in leaves(operation.row):
        if path[-1] == SECRET:
            yield pointer(path[:-1]), leaf


def shown_state(plan: Plan, scope: Scope) -> DesiredState:
    """Return the endpoints that a plan mentions. None was asked now."""
    backends: dict[str, set[str]] = {status.endpoint: set() for status in plan.endpoints}
    for status in plan.endpoints:
        backends[status.endpoint].add(status.backend)
    for key in (*(op.key for op in plan.operations), *(skip.key for skip in plan.skips)):
        here = (name for name, reach in scope.reach.items() if key.endpoint in reach)
        backends.setdefault(key.endpoint, set(here))
    endpoints = [
        Endpoint(url, tuple(sorted(names)), NOT_ASKED, "", complete=True)
        for url, names in sorted(backends.items())
    ]
    return DesiredState(plan.owner, (), tuple(endpoints), statuses=plan.endpoints)
