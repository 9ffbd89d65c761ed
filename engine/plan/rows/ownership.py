"""The plans that make rows ours which others made, and that let go of ours. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ...errors import UnprovenPlan
from ...litellm.row import ShownRow, is_patchable
from ...state.deployment import ADOPT, MARK, DesiredState, ObservedDeployment, ObservedState
from ...state.endpoint import Scope
from ...state.frozen import freeze
from ...state.mark import released_document
from ..leftovers import RELEASED, skip
from ..plan import DELETE, UPDATE, Operation, Plan, Skip
from ..planner import make_plan
from ..simulate import simulate
from .chosen import Choice, plan_of, rows_of

if TYPE_CHECKING:
    from ...config.patterns import NamePattern

_KEPT: Final = (
    "let go of; the loop leaves it alone from now on, whatever becomes of its model, until"
    " `modelprovisioner adopt`"
)
_OURS: Final = (
    "from now on it is ours: what is edited of our fields is set back, and it is deleted once its"
    " model is gone"
)
_NOT_OURS: Final = (
    "as ours, the next cycle would delete it; to adopt it, let the configuration give a model this"
    " name (`aliases`)"
)


def make_release(choice: Choice, observed: ObservedState) -> Plan:
    """Return the plan that takes the mark off chosen rows of ours; all else of them stays."""
    decisions = (_released(seen, observed.owner) for seen in rows_of(choice, observed))
    return plan_of(decisions, observed.owner)


def verify_release(plan: Plan, choice: Choice, observed: ObservedState, scope: Scope) -> None:
    """Prove that the plan changes nothing but whose the chosen rows are.

    Raises:
        UnprovenPlan: a bug of ours; nothing may be applied.
    """
    released = {operation.id for operation in plan.operations}
    after = simulate(plan, observed, scope)
    left = {seen.id for seen in (*after.deployments, *after.strays) if seen.mark is not None}
    before = {seen.id for seen in (*observed.deployments, *observed.strays) if seen.mark}
    chosen = {seen.id for seen in rows_of(choice, observed)}
    whole = all(operation.row.keys() == {"model_info"} for operation in plan.operations)
    if not whole or not released <= chosen or left != before - released:
        raise UnprovenPlan(
            "the plan changes more than whose the chosen rows are. This is a bug; please report it"
            " with the plan"
        )


def adoptable(
    endpoints: Collection[str], names: Collection[NamePattern], observed: ObservedState
) -> list[ObservedDeployment]:
    """Return the rows without a mark on some endpoints whose public name matches; "" names all."""
    return [
        seen
        for seen in observed.deployments
        if seen.mark is None
        and seen.key.endpoint in endpoints
        and (not names or any(pattern.matches(seen.key.name) for pattern in names))
    ]


def make_adoption(
    rows: Collection[ObservedDeployment], desired: DesiredState, observed: ObservedState
) -> Plan:
    """Return the plan that makes rows without a mark ours, where the configuration wants them.

    They become what a cycle would make of them with ``ownership: adopt``, also if they were let go
    of. No other row is changed, and none is deleted. Keys are kept as in a cycle.
    """
    ids = {seen.id for seen in rows}
    urls = {seen.key.endpoint for seen in rows}
    plan = make_plan(
        replace(
            desired,
            endpoints=tuple(
                replace(site, ownership=ADOPT) if site.url in urls else site
                for site in desired.endpoints
            ),
        ),
        replace(
            observed,
            deployments=tuple(
                replace(seen, released="") if seen.id in ids else seen
                for seen in observed.deployments
            ),
        ),
    )
    operations = [
        replace(operation, because=f"{operation.because}; {_OURS}")
        for operation in plan.operations
        if operation.touched in ids and operation.action != DELETE
    ]
    skips = [_explained(left) for left in plan.skips if left.id in ids]
    return replace(plan_of([*operations, *skips], desired.owner), endpoints=plan.endpoints)


def verify_adoption(
    plan: Plan, rows: Collection[ObservedDeployment], observed: ObservedState, scope: Scope
) -> None:
    """Prove that the plan makes the rows ours that it names, and takes away or changes no other.

    Raises:
        UnprovenPlan: a bug of ours; nothing may be applied.
    """
    ids = {seen.id for seen in rows}
    after = {seen.id: seen for seen in simulate(plan, observed, scope).deployments}
    ours = all(op.id in after and after[op.id].belongs_to(observed.owner) for op in plan.operations)
    touched = {operation.touched for operation in plan.operations}
    if not ours or not touched <= ids:
        raise UnprovenPlan(
            "the plan does not make the chosen rows ours, or changes other ones. This is a bug;"
            " please report it with the plan"
        )


def _released(seen: ObservedDeployment, owner: str) -> Operation | Skip:
    if seen.read_only:
        return skip(UPDATE, seen, "read_only", seen.read_only)
    if not is_patchable(seen.id):
        return skip(UPDATE, seen, "unsupported", "no request can change a row with this id")
    because = f"{_KEPT}; it stays blocked" if seen.blocked else _KEPT
    row = freeze({"model_info": {"id": seen.id, MARK: released_document(owner)}})
    before = ShownRow(seen)
    return Operation(UPDATE, seen.key, seen.id, RELEASED, because, row, before=before)


def _explained(left: Skip) -> Skip:
    if left.reason not in ("alias", "unmarked"):
        return left
    return replace(left, because=f"{left.because.partition('; ')[0]}; {_NOT_OURS}")
