"""The plan that removes what one backend left in LiteLLM. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import UnprovenPlan
from ..state.deployment import DesiredState, Endpoint, ObservedDeployment, ObservedState
from ..state.endpoint import Scope
from ..state.listing import NOT_ASKED
from .leftovers import delete, skip
from .plan import DELETE, Operation, Plan, Skip
from .simulate import simulate


def make_retirement(backend: str, observed: ObservedState, scope: Scope) -> Plan:
    """Return the plan that deletes every row of ours with the mark of a backend.

    Its rows go from its own endpoint, and from any that is not configured. On the endpoint of
    other backends the next cycle decides: if the backend only got another name, its rows stay.
    Nothing else is touched: no unmarked row, no row of another owner, none that LiteLLM does not
    let us edit.
    """
    own = scope.reach.get(backend, ())
    others = {url: name for name, reach in scope.reach.items() for url in reach if url not in own}
    operations: list[Operation] = []
    skips: list[Skip] = []
    for seen in rows_of(backend, observed):
        if seen.read_only:
            decision: Operation | Skip = skip(DELETE, seen, "read_only", seen.read_only)
        elif other := others.get(seen.key.endpoint):
            why = f"it is on the server of backend {other}, whose next cycle decides about it"
            decision = skip(DELETE, seen, "not_owned", why)
        else:
            decision = delete(seen, "retired", f"backend {backend} is retired")
        if isinstance(decision, Operation):
            operations.append(decision)
        else:
            skips.append(decision)
    ordered = sorted(operations, key=Operation.order)
    return Plan(tuple(ordered), tuple(sorted(skips, key=Skip.order)), owner=observed.owner)


def verify_retirement(plan: Plan, backend: str, observed: ObservedState, scope: Scope) -> None:
    """Prove that after the plan nothing is left to retire, and that all other rows are there.

    Raises:
        UnprovenPlan: a bug of ours; nothing may be applied.
    """
    after = simulate(plan, observed, scope)
    gone = _ids(observed) - _ids(after)
    ours = {seen.id for seen in rows_of(backend, observed)}
    if make_retirement(backend, after, scope).operations or not gone <= ours:
        raise UnprovenPlan(
            f"the plan does not retire {backend!r}, or takes other rows away as well. This is a"
            " bug; please report it with the plan"
        )


def rows_of(backend: str, observed: ObservedState) -> Iterator[ObservedDeployment]:
    """Yield the rows of our owner that bear the mark of a backend."""
    for seen in (*observed.deployments, *observed.strays):
        if seen.mark and (seen.mark.owner, seen.mark.backend) == (observed.owner, backend):
            yield seen


def retired_state(backend: str, plan: Plan, owner: str) -> DesiredState:
    """Return what is wanted on the endpoints of a retired backend: nothing. None was asked."""
    keys = [operation.key for operation in plan.operations] + [skip.key for skip in plan.skips]
    urls = sorted({key.endpoint for key in keys})
    endpoints = [Endpoint(url, (backend,), NOT_ASKED, "", complete=True) for url in urls]
    return DesiredState(owner, (), tuple(endpoints))


def _ids(observed: ObservedState) -> set[str]:
    return {seen.id for seen in (*observed.deployments, *observed.strays)}
