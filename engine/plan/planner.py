"""Desired and observed state -> the plan. Pure: no clock, file, environment, network or log."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ..errors import UnprovenPlan
from ..litellm.row import ShownRow, is_deletable, row_of
from ..state.deployment import (
    TEAM_ROW,
    DesiredDeployment,
    DesiredState,
    Endpoint,
    Key,
    ObservedDeployment,
    ObservedState,
    free_id,
    without_provider,
)
from ..state.endpoint import Scope
from ..state.frozen import EMPTY
from .plan import CREATE, DELETE, UPDATE, Operation, Plan, Skip
from .simulate import simulate
from .update import adjust

_OUTCOMES: Final = {
    "not_ready": "its backend is not ready yet",
    "unauthorised": "its backend refuses our key",
    "unreachable": "its backend cannot be reached",
    "invalid": "its backend's list cannot be read",
}


def make_plan(desired: DesiredState, observed: ObservedState) -> Plan:
    """Return what turns ``observed`` into ``desired``, restricted to the desired endpoints.

    =======  ==========================================  ========  ==============================
    desired  observed at that key                        endpoint  result
    =======  ==========================================  ========  ==============================
    yes      none                                                  create - ``missing``
    yes      ours, same                                            nothing
    yes      ours, differs                                         update or replace - ``changed``
                                                                   (we want something else) or
                                                                   ``drifted`` (it was edited)
    yes      ours, several                                         keep one, delete the rest -
                                                                   ``duplicate``
    yes      unmarked, with our name and upstream                  update or replace - ``adopted``
    yes      from LiteLLM's configuration file                     skip - ``read_only``
    no       ours                                        complete  delete - ``surplus``
    no       unmarked, a listed model under a name of              skip - ``alias``
             its own
    no       unmarked, a listed model that is filtered   complete  delete - ``surplus``
             out, under the name we would give it
    no       unmarked, a model that is not listed        complete  delete - ``surplus``
    any      unmarked, where ``ownership: marked``                 skip - ``not_owned``
    any      marked by another owner                               skip - ``not_owned``
    no       any                                         not       skip - ``incomplete``
    any      not editable (file, team, wildcard)                   skip - ``read_only``
    any      paused by hand and only replaceable                   skip - ``paused``
    any      to be changed, with an id that no write can name      skip - ``unreachable_id``
    =======  ==========================================  ========  ==============================

    Listed models that are not wanted are skips - ``excluded``, ``clash``; rows of ours on endpoints
    that are not configured are skips - ``stray``. Order: create, update, replace, delete; within
    each by key, then id.
    """
    planner = _Planner(desired, observed)
    for wanted in sorted(desired.deployments, key=lambda wanted: wanted.key):
        planner.settle_wanted(wanted)
    for endpoint in desired.endpoints:
        for seen in planner.left_on(endpoint):
            planner.settle_surplus(endpoint, seen)
    for refused in desired.refusals:
        planner.skips.append(Skip(CREATE, refused.key, "", refused.reason, refused.because))
    for stray in observed.strays:
        planner.skip(DELETE, stray, "stray", "its endpoint is no longer configured; left alone")
    operations = sorted(planner.operations, key=Operation.order)
    return Plan(tuple(operations), tuple(sorted(planner.skips, key=Skip.order)))


def verify_plan(plan: Plan, desired: DesiredState, observed: ObservedState, scope: Scope) -> None:
    """Prove that the plan leads to the desired state: simulated, nothing is left to do.

    The simulated rows are those that LiteLLM would list, and are read as the next cycle reads them.

    Raises:
        UnprovenPlan: something would be left; a bug of ours, and nothing may be applied.
    """
    left = make_plan(desired, simulate(plan, observed, scope))
    if left.operations:
        first = left.operations[0]
        raise UnprovenPlan(
            f"the plan does not converge: after it, {len(left.operations)} operations would be"
            f" left, the first: {first.action} {first.key.name!r} on {first.key.endpoint}"
            f" ({first.because}). This is a bug; please report it with the plan"
        )


class _Planner:
    """The state of one make_plan: the rows that are decided about, and the decisions so far."""

    def __init__(self, desired: DesiredState, observed: ObservedState) -> None:
        self.desired = desired
        self.observed = observed
        self.operations: list[Operation] = []
        self.skips: list[Skip] = []
        self._wanted = {wanted.key for wanted in desired.deployments}
        self._endpoints = {endpoint.url: endpoint for endpoint in desired.endpoints}
        self._by_key: defaultdict[Key, list[ObservedDeployment]] = defaultdict(list)
        for seen in observed.deployments:
            self._by_key[seen.key].append(seen)
        self._ids = observed.taken | {seen.id for seen in observed.deployments}
        self._settled: set[str] = set()

    def settle_wanted(self, wanted: DesiredDeployment) -> None:
        """Decide about one desired deployment and everything that is registered in its place."""
        marked_only = self._endpoints[wanted.key.endpoint].ownership == "marked"
        present = self._at(wanted)
        self._settled.update(seen.id for seen in present)
        ours = [seen for seen in present if self._is_ours(seen)]
        unmarked = [seen for seen in present if seen.mark is None and not seen.read_only]
        candidates = ours if marked_only else ours + unmarked
        for seen in present:
            if seen not in candidates:
                self._leave(seen)
            elif not is_deletable(seen.id):
                self._leave_unreachable(UPDATE, seen)
        reachable = [seen for seen in candidates if is_deletable(seen.id)]
        if reachable:
            self._keep_best(wanted, reachable)
        elif all(seen in candidates or seen.read_only == TEAM_ROW for seen in present):
            self.operations.append(self._create(wanted))

    def left_on(self, endpoint: Endpoint) -> Iterable[ObservedDeployment]:
        """Return what is registered on an endpoint and belongs to no desired deployment."""
        for seen in self.observed.deployments:
            if seen.key.endpoint == endpoint.url and seen.id not in self._settled:
                yield seen

    def settle_surplus(self, endpoint: Endpoint, seen: ObservedDeployment) -> None:
        """Decide about a registered deployment that nothing desires."""
        if seen.read_only or (seen.mark is not None and not self._is_ours(seen)):
            self._leave(seen)
        elif not endpoint.complete:
            because = _OUTCOMES.get(endpoint.outcome, "part of its backend's list cannot be read")
            detail = f" ({endpoint.detail})" if endpoint.detail else ""
            self.skip(DELETE, seen, "incomplete", f"{because}{detail}")
        elif seen.mark is not None:
            self._delete(seen, "surplus", _surplus(endpoint, seen))
        elif endpoint.ownership == "marked":
            self._leave(seen)
        elif (seen.key.name, seen.key.upstream) in endpoint.excluded:
            self._delete(seen, "surplus", "the configuration filters this model out")
        elif _is_served(seen.key.upstream, endpoint):
            self.skip(DELETE, seen, "alias", "made by hand for a model that is served; left alone")
        else:
            self._delete(seen, "surplus", _surplus(endpoint, seen))

    def skip(self, action: str, seen: ObservedDeployment, reason: str, because: str) -> None:
        """Record that something is not done."""
        self.skips.append(Skip(action, seen.key, seen.id, reason, because))

    def _at(self, wanted: DesiredDeployment) -> list[ObservedDeployment]:
        """Return what is registered under its key, or for the same model by the Go program."""
        found = list(self._by_key.get(wanted.key, ()))
        for upstream in wanted.predecessors:
            key = replace(wanted.key, upstream=upstream)
            if key not in self._wanted:
                found += [seen for seen in self._by_key.get(key, ()) if self._is_free(seen)]
        return found

    def _is_free(self, seen: ObservedDeployment) -> bool:
        return seen.mark is None and not seen.read_only and seen.id not in self._settled

    def _is_ours(self, seen: ObservedDeployment) -> bool:
        return (
            not seen.read_only and seen.mark is not None and seen.mark.owner == self.desired.owner
        )

    def _leave(self, seen: ObservedDeployment) -> None:
        if seen.read_only:
            self.skip(UPDATE, seen, "read_only", f"{seen.read_only}; left alone")
        elif seen.mark is not None:
            self.skip(UPDATE, seen, "not_owned", f"it belongs to owner {seen.mark.owner!r}")
        else:
            self.skip(UPDATE, seen, "not_owned", "it bears no mark of ours (ownership: marked)")

    def _leave_unreachable(self, action: str, seen: ObservedDeployment) -> None:
        because = "no request can name a row whose id is empty"
        remedy = "delete it in LiteLLM's UI or database"
        self.skip(action, seen, "unreachable_id", f"{because}; {remedy}")

    def _create(self, wanted: DesiredDeployment) -> Operation:
        new_id, revision = free_id(self.desired.owner, wanted.key, 0, self._ids)
        because = f"{wanted.mark.backend} serves it and LiteLLM does not have it"
        row = row_of(wanted, new_id, revision=revision)
        return Operation(CREATE, wanted.key, new_id, "missing", because, row)

    def _keep_best(self, wanted: DesiredDeployment, candidates: list[ObservedDeployment]) -> None:
        """Keep the candidate that needs the least change, correct it, delete the others."""
        best, *others = sorted(candidates, key=lambda seen: _preference(wanted, seen))
        outcome = adjust(wanted, best, self.observed.editing, self._ids)
        if isinstance(outcome, Operation):
            self.operations.append(outcome)
        elif isinstance(outcome, Skip):
            self.skips.append(outcome)
        for other in others:
            self._delete(other, "duplicate", f"{best.id} offers the same")

    def _delete(self, seen: ObservedDeployment, reason: str, because: str) -> None:
        if not is_deletable(seen.id):
            self._leave_unreachable(DELETE, seen)
            return
        delete = Operation(DELETE, seen.key, seen.id, reason, because, EMPTY)
        self.operations.append(replace(delete, before=ShownRow(seen)))


def _preference(wanted: DesiredDeployment, seen: ObservedDeployment) -> tuple[bool, bool, int, str]:
    """Order candidates: ours and in line, ours, the latest replacement, then by id."""
    in_line = seen.mark is not None and seen.mark.fingerprint == wanted.mark.fingerprint
    return not in_line, seen.mark is None, -seen.revision, seen.id


def _surplus(endpoint: Endpoint, seen: ObservedDeployment) -> str:
    backends = " and ".join(endpoint.backends)
    if _is_served(seen.key.upstream, endpoint):
        return f"{backends} serves it, but the configuration does not want it so"
    if endpoint.outcome == "ok":
        return f"{backends} does not serve it"
    if endpoint.outcome == "empty":
        return f"{backends} serves no model at all"
    return f"{backends} is {endpoint.outcome} (on_unreachable: remove)"


def _is_served(upstream: str, endpoint: Endpoint) -> bool:
    """Tell whether a listed model is reached by an upstream, whatever its provider."""
    names = (upstream, without_provider(upstream))
    return any(name in endpoint.served or name in endpoint.renamed for name in names)
