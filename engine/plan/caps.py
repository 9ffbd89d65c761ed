"""Plans that do less than everything: within the limits on creates, or for some backends. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ..state.deployment import MARK, DesiredState, ObservedState
from .plan import CREATE, DELETE, Operation, Order, Plan, Skip

if TYPE_CHECKING:
    from ..config.model import Limits

LIMIT: Final = "limit"
"""The reason of a skip for which there is no room, or that must wait for such a one."""


def within_caps(plan: Plan, observed: ObservedState, limits: Limits) -> Plan:
    """Return the plan without the creates for which the limits have no room.

    ``max_models`` bounds the rows that a backend has after the plan, ``max_creates`` the creates
    of the plan. A backend that lists new ids in every cycle can so neither fill LiteLLM nor keep
    the models of other backends out: the backends take turns.
    """
    creates = [operation for operation in plan.operations if operation.action == CREATE]
    if not creates:
        return plan
    rows = _rows_left(plan, observed)
    refused: dict[Order, Skip] = {}
    allowed = 0
    for operation in _in_turns(creates):
        backend = _backend(operation)
        if rows[backend] >= limits.max_models:
            because = f"{backend} would have more than {limits.max_models} models"
            because += " (limits.max_models)"
        elif allowed >= limits.max_creates:
            because = f"this cycle already creates {allowed} (limits.max_creates)"
            because += "; the next one continues"
        else:
            rows[backend] += 1
            allowed += 1
            continue
        refused[operation.order()] = Skip(CREATE, operation.key, operation.id, LIMIT, because)
    waiting = {operation.key.name for operation in creates if operation.order() in refused}
    return plan.without({**refused, **_unsafe(plan, waiting)})


def only_on(
    plan: Plan, desired: DesiredState, endpoints: Collection[str]
) -> tuple[Plan, DesiredState]:
    """Return the plan, and what is known of the endpoints, for some endpoints only.

    A name that would move to another endpoint keeps its row.
    """
    here = replace(
        plan,
        operations=tuple(op for op in plan.operations if op.key.endpoint in endpoints),
        skips=tuple(skip for skip in plan.skips if skip.key.endpoint in endpoints),
        endpoints=tuple(status for status in plan.endpoints if status.endpoint in endpoints),
    )
    moving = {op.key.name for op in plan.operations if op.action == CREATE}
    moving -= {op.key.name for op in here.operations if op.action == CREATE}
    known = tuple(endpoint for endpoint in desired.endpoints if endpoint.url in endpoints)
    return here.without(_unsafe(here, moving)), replace(desired, endpoints=known)


def _unsafe(plan: Plan, names: Collection[str]) -> Mapping[Order, Skip]:
    """Return skips for the deletes of names whose new row is not created now."""
    because = "its name moves to another row, which this plan does not create; the old row stays"
    return {
        op.order(): Skip(DELETE, op.key, op.id, LIMIT, because)
        for op in plan.operations
        if op.action == DELETE and op.key.name in names
    }


def _rows_left(plan: Plan, observed: ObservedState) -> Counter[str]:
    """Return how many rows of ours each backend has after the deletes of the plan."""
    deleted = {operation.id for operation in plan.operations if operation.action == DELETE}
    return Counter(
        seen.mark.backend
        for seen in observed.deployments
        if seen.mark and seen.mark.owner == observed.owner and seen.id not in deleted
    )


def _in_turns(creates: Collection[Operation]) -> list[Operation]:
    """Return creates so that the first ones of all backends come first, then the second ones."""
    numbers: Counter[str] = Counter()
    turns = []
    for operation in creates:
        backend = _backend(operation)
        turns.append((numbers[backend], operation.order(), operation))
        numbers[backend] += 1
    return [operation for _, _, operation in sorted(turns, key=lambda turn: turn[:2])]


def _backend(operation: Operation) -> str:
    return str(operation.row["model_info"][MARK]["backend"])
