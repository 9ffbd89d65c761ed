"""The plan that removes what one backend left in LiteLLM. Pure."""

from __future__ import annotations

from ...errors import UnprovenPlan
from ...state.deployment import ObservedState
from ...state.endpoint import Scope
from ..leftovers import delete, skip
from ..plan import DELETE, Operation, Plan, Skip
from ..simulate import simulate
from .chosen import Choice, plan_of, rows_of


def make_retirement(backend: str, observed: ObservedState, scope: Scope) -> Plan:
    """Return the plan that deletes every row of ours with the mark of a backend.

    Its rows go from its own endpoint, and from any that is not configured. On the endpoint of
    other backends the next cycle decides: if the backend only got another name, its rows stay.
    Nothing else is touched: no unmarked row, no row of another owner, none that LiteLLM does not
    let us edit.
    """
    own = scope.reach.get(backend, ())
    others = {url: name for name, reach in scope.reach.items() for url in reach if url not in own}
    decisions: list[Operation | Skip] = []
    for seen in rows_of(Choice(backend), observed):
        if seen.read_only:
            decisions.append(skip(DELETE, seen, "read_only", seen.read_only))
        elif other := others.get(seen.key.endpoint):
            why = f"it is on the server of backend {other}, whose next cycle decides about it"
            decisions.append(skip(DELETE, seen, "not_owned", why))
        else:
            decisions.append(delete(seen, "retired", f"backend {backend} is retired"))
    return plan_of(decisions, observed.owner)


def verify_retirement(plan: Plan, backend: str, observed: ObservedState, scope: Scope) -> None:
    """Prove that after the plan nothing is left to retire, and that all other rows are there.

    Raises:
        UnprovenPlan: a bug of ours; nothing may be applied.
    """
    after = simulate(plan, observed, scope)
    gone = _ids(observed) - _ids(after)
    ours = {seen.id for seen in rows_of(Choice(backend), observed)}
    if make_retirement(backend, after, scope).operations or not gone <= ours:
        raise UnprovenPlan(
            f"the plan does not retire {backend!r}, or takes other rows away as well. This is a"
            " bug; please report it with the plan"
        )


def _ids(observed: ObservedState) -> set[str]:
    return {seen.id for seen in (*observed.deployments, *observed.strays)}
