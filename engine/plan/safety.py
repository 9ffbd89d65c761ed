"""Operations that policy or limits forbid, or postpone. Pure.

A deletion needs proof of absence. A list that is empty, or much shorter than what is registered,
is suspicious: a backend that restarts, or whose disk is not mounted, answers like that. It is
believed once it has lasted for some time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ..state.deployment import DesiredState, Endpoint, ObservedState
from ..state.listing import EMPTY_LIST, OK
from .caps import within_caps, without_moves
from .plan import (
    BLOCK,
    CREATE,
    DELETE,
    REPLACE,
    UNBLOCK,
    UPDATE,
    Operation,
    Order,
    Plan,
    Skip,
)

if TYPE_CHECKING:
    from ..config.model import Limits


ALL: Final = "all"
"""In place of the names of all backends, in ``force``."""
_ALLOWED: Final = {
    "create-only": (CREATE,),
    "upsert-only": (CREATE, UPDATE, REPLACE, UNBLOCK, BLOCK),
}


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Since when, on a clock that only runs in this process, each endpoint's list is suspicious.

    ``now`` and the values of ``since`` are seconds of that clock. The lists of the backends in
    ``force`` are believed at once, all lists if it has ``ALL``.
    """

    now: float = 0.0
    since: Mapping[str, float] = field(default_factory=dict)
    force: frozenset[str] = frozenset()


def hold(
    plan: Plan, desired: DesiredState, observed: ObservedState, limits: Limits, suspicion: Suspicion
) -> tuple[Plan, dict[str, float]]:
    """Return the plan without what policy or limits forbid, and the ``since`` of the next cycle.

    An endpoint stays suspicious only while every cycle finds it suspicious: a list that fails, or
    is not suspicious, resets its clock.
    """
    endpoints = {endpoint.url: endpoint for endpoint in desired.endpoints}
    plan = without_moves(plan.without(_forbidden(plan, endpoints)))
    refused: dict[Order, Skip] = {}
    since: dict[str, float] = {}
    for url, losses in _losses(plan, desired).items():
        managed = _managed(url, observed) | {lost.id for lost in losses}
        why = _suspicious(endpoints[url], len(losses), len(managed), limits)
        if not why:
            continue
        since[url] = suspicion.since.get(url, suspicion.now)
        left = limits.suspicion_period - (suspicion.now - since[url])
        if left <= 0 or suspicion.force.intersection((*endpoints[url].backends, ALL)):
            continue
        way_out = f"--force {endpoints[url].backends[0]}"
        goes = "deletes them" if any(op.action == DELETE for op in losses) else "blocks them"
        wait = _duration(left)
        wait += " more" if wait != _duration(limits.suspicion_period) else ""
        because = f"{why}; held until `run` has seen this for {wait}; {way_out} {goes} now"
        for lost in losses:
            refused[lost.order()] = Skip(lost.action, lost.key, lost.id, "held", because)
    return within_caps(plan.without(refused), observed, limits), since


def _managed(url: str, observed: ObservedState) -> set[str]:
    """Return the ids of our rows on an endpoint, of which the losses are a fraction."""
    return {
        seen.id
        for seen in observed.deployments
        if seen.key.endpoint == url and seen.mark and seen.mark.owner == observed.owner
    }


def _forbidden(plan: Plan, endpoints: Mapping[str, Endpoint]) -> dict[Order, Skip]:
    refused = {}
    for operation in plan.operations:
        policy = endpoints[operation.key.endpoint].policy
        allowed = _ALLOWED.get(policy, (operation.action,))
        if operation.action not in allowed or (policy in _ALLOWED and operation.takes_away):
            because = f"policy {policy} allows no {operation.action} ({operation.because})"
            refused[operation.order()] = Skip(
                operation.action, operation.key, operation.touched, "policy", because
            )
    return refused


def _losses(plan: Plan, desired: DesiredState) -> dict[str, list[Operation]]:
    """Return, per endpoint, the operations after which a public name is not offered there.

    A row that waits for its delete counts as lost again once that is due: the list that shows it
    absent then may be another one than that which showed it first.
    """
    taking = [operation for operation in plan.operations if operation.takes_away]
    offered = {
        (wanted.key.endpoint, wanted.key.name) for wanted in (desired.deployments if taking else ())
    }
    losses: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in taking:
        key = operation.key
        if (key.endpoint, key.name) not in offered:
            losses[key.endpoint].append(operation)
    return losses


def _suspicious(endpoint: Endpoint, lost: int, managed: int, limits: Limits) -> str:
    """Return why so many deletions are suspicious, or "" if they are not.

    ``max_delete_fraction: 1`` switches both rules off. An endpoint that failed is here only when
    the configuration says ``on_unreachable: remove``, which is an intent.
    """
    if limits.max_delete_fraction >= 1 or endpoint.outcome not in (OK, EMPTY_LIST):
        return ""
    backends = " and ".join(endpoint.backends)
    if endpoint.outcome == EMPTY_LIST and not endpoint.served:
        return f"{backends} answers with an empty list"
    if managed >= limits.min_deployments and lost > limits.max_delete_fraction * managed:
        share = f"{limits.max_delete_fraction:.0%}"
        return f"{lost} of {managed} deployments of {backends} would be deleted, more than {share}"
    return ""


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(1, round(seconds)), 60)
    parts = [f"{minutes} min"] if minutes else []
    return " ".join([*parts, f"{rest} s"] if rest or not minutes else parts)
