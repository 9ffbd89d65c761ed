"""The plans that take rows of one backend out of service, and bring them back. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ...errors import UnprovenPlan
from ...state.deployment import ObservedDeployment, ObservedState
from ...state.endpoint import Scope
from ...state.mark import DRAINED, LADDER, MAINTENANCE
from ..leftovers import skip
from ..pauses import Decision, pause, resume, with_consequences
from ..plan import BLOCK, UNBLOCK, Operation, Plan, Skip
from ..simulate import simulate
from .chosen import Choice, plan_of, rows_of

UNDRAINED: Final = "undrained"


def make_drain(choice: Choice, observed: ObservedState) -> Plan:
    """Return the plan that takes chosen rows of ours out of service until :func:`make_undrain`.

    A row that somebody blocked stays as it is. Its mark does not say that we did it, so nothing of
    ours unblocks it.
    """
    return _plan((_drained(seen, observed) for seen in rows_of(choice, observed)), observed)


def make_undrain(choice: Choice, observed: ObservedState) -> Plan:
    """Return the plan that brings back what was drained; no other block is lifted."""
    decisions = (_undrained(seen, observed) for seen in rows_of(choice, observed))
    return _plan(decisions, observed)


def verify_service(plan: Plan, choice: Choice, observed: ObservedState, scope: Scope) -> None:
    """Prove that the plan changes only whether chosen rows are blocked.

    Raises:
        UnprovenPlan: a bug of ours; nothing may be applied.
    """
    after = simulate(plan, observed, scope)
    switched = {operation.id: operation.action == BLOCK for operation in plan.operations}
    chosen = {seen.id for seen in rows_of(choice, observed)}
    whole = all(op.row.keys() == {"blocked", "model_info"} for op in plan.operations)
    within = whole and switched.keys() <= chosen
    if not within or _blocked(after) != _blocked(observed) | switched:
        raise UnprovenPlan(
            "the plan changes more than whether the chosen rows are blocked. This is a bug;"
            " please report it with the plan"
        )


def _blocked(observed: ObservedState) -> dict[str, bool]:
    return {seen.id: seen.blocked for seen in (*observed.deployments, *observed.strays)}


def _plan(decisions: Iterator[Decision | None], observed: ObservedState) -> Plan:
    found = [decision for decision in decisions if decision is not None]
    operations = [decision for decision in found if isinstance(decision, Operation)]
    skips = [decision for decision in found if isinstance(decision, Skip)]
    return plan_of([*with_consequences(operations, observed), *skips], observed.owner)


def _drained(seen: ObservedDeployment, observed: ObservedState) -> Decision | None:
    if seen.read_only:
        return skip(BLOCK, seen, "read_only", seen.read_only)
    if seen.paused == DRAINED:
        return None
    if seen.blocked and not seen.paused:
        return skip(BLOCK, seen, "paused", "somebody blocked it in LiteLLM already; left alone")
    because = "drained by hand; it stays so until `modelprovisioner undrain`"
    return pause(seen, DRAINED, because, observed.editing)


def _undrained(seen: ObservedDeployment, observed: ObservedState) -> Decision | None:
    if seen.read_only:
        return skip(UNBLOCK, seen, "read_only", seen.read_only)
    if seen.mark and seen.mark.paused == DRAINED:
        return resume(seen, UNDRAINED, "brought back by hand", observed.editing)
    if seen.paused == MAINTENANCE:
        because = "the configuration took it out of service; remove `maintenance: true` there"
        return skip(UNBLOCK, seen, MAINTENANCE, because)
    if seen.paused == LADDER:
        because = "nothing wants it now; it is brought back once its model is, or deleted"
        return skip(UNBLOCK, seen, "grace", because)
    if seen.blocked:
        return skip(UNBLOCK, seen, "paused", "somebody blocked it in LiteLLM; unblock it there")
    return None
