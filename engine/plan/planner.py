"""Desired and observed state -> the plan. Pure: no clock, file, environment, network or log."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from ..errors import UnprovenPlan
from ..litellm.row import is_deletable, row_of
from ..state.deployment import (
    MARKED,
    TEAM_ROW,
    DesiredDeployment,
    DesiredState,
    Key,
    ObservedDeployment,
    ObservedState,
)
from ..state.endpoint import Scope
from ..state.mark import MAINTENANCE, free_id
from ..state.reuse import Settled
from .homes import with_homes
from .leftovers import (
    leave,
    leave_stray,
    leave_unreachable,
    refused_skip,
    settle_double,
)
from .pauses import restored, settle_left, waits_for, with_consequences, with_switch
from .plan import BLOCK, CREATE, UPDATE, Operation, Plan, Skip
from .simulate import rows_of, simulate, touched, under
from .update import adjust
from .wanted import preference


def make_plan(desired: DesiredState, observed: ObservedState) -> Plan:
    """Return what turns ``observed`` into ``desired``, restricted to the desired endpoints.

    =======  ==========================================  ========  ==============================
    desired  observed at that key                        endpoint  result
    =======  ==========================================  ========  ==============================
    yes      none                                                  create - ``missing``
    any      any, in maintenance, drained or no longer so          see :mod:`engine.plan.pauses`
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
    no       unmarked, not listed, or filtered out under complete  skip - ``unmarked`` (*)
             the name that we would give it
    yes      unmarked, beside the row that stays                   skip - ``unmarked`` (*)
    any      unmarked, where ``ownership: marked``                 skip - ``not_owned``
    any      let go of by ``release``                              skip - ``released``
    any      marked by another owner                               skip - ``not_owned``
    no       any                                         not       skip - ``incomplete``
    any      not editable (file, team, wildcard)                   skip - ``read_only``
    any      paused by hand and only replaceable                   skip - ``paused``
    yes      by others, only replaceable, its key unknown          skip - ``key_unknown``
    any      to be changed, with an id that no write can name      skip - ``unreachable_id``
    =======  ==========================================  ========  ==============================

    (*) with ``ownership: exclusive``: delete - ``surplus`` and ``duplicate``.
    The refusals of ``desired`` are skips - ``excluded``, ``clash``, ``name_taken``, ``name_shared``
    or ``unsafe_upstream``; what is too large to be read is ``unreadable``. A row of ours is looked
    for where it is at home (:func:`engine.litellm.home.home_of`, :func:`with_homes`), also when its
    ``api_base`` is another; those without a home are skips - ``stray``.
    Order: create, update, replace, unblock, block, delete; within each by key, then id.
    Each public name is planned by itself: no decision depends on rows of another name.
    """
    return _Planner(desired, with_homes(desired, observed)).plan()


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


def make_proven_plan(
    desired: DesiredState, observed: ObservedState, scope: Scope, settled: Settled
) -> Plan:
    """Return the plan, once it is proven; what is ``settled`` is not looked at.

    Since each public name is planned by itself, a name that needed nothing needs nothing again as
    long as all of it is the same. For the same reason the proof is about the names that the plan
    touches: the others would be planned a second time from the same values.

    Raises:
        UnprovenPlan: as :func:`verify_plan`.
    """
    values = rows_of(desired, observed)
    part = under(settled.others(values), desired, observed)
    plan = make_plan(*part)
    verify_plan(plan, *under(touched(plan, observed), desired, observed), scope)
    decided: list[Operation | Skip] = [*plan.operations, *plan.skips]
    names = {decision.key.name for decision in decided}
    settled.renew(values, (row for row in rows_of(*part) if row.key.name in names))
    return plan


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
        self._staying: dict[str, str] = {}
        self._coming: dict[str, str] = {}

    def plan(self) -> Plan:
        """Decide about everything that is desired, refused or registered."""
        for wanted in sorted(self.desired.deployments, key=lambda wanted: wanted.key):
            self.settle_wanted(wanted)
        for seen in self.left():
            self.add(settle_left(self._endpoints[seen.key.endpoint], seen, self.observed))
        for refused in self.desired.refusals:
            self.add(refused_skip(refused))
        for stray in self.observed.strays:
            self.add(leave_stray(stray, self.desired))
        told = with_consequences(self.operations, self.observed)
        operations = sorted(told, key=Operation.order)
        skips = sorted(self.skips, key=Skip.order)
        desired = self.desired
        parts = (tuple(operations), tuple(skips), desired.statuses)
        return Plan(*parts, desired.litellm, desired.owner)

    def settle_wanted(self, wanted: DesiredDeployment) -> None:
        """Decide about one desired deployment and everything that is registered in its place."""
        marked_only = self._endpoints[wanted.key.endpoint].ownership == MARKED
        present = self._at(wanted)
        self._settled.update(seen.id for seen in present)
        ours = [seen for seen in present if seen.belongs_to(self.desired.owner)]
        unmarked = [s for s in present if s.mark is None and not (s.read_only or s.released)]
        candidates = ours if marked_only else ours + unmarked
        for seen in present:
            if seen not in candidates:
                self.add(leave(seen))
            elif not is_deletable(seen.id):
                self.add(leave_unreachable(UPDATE, seen))
        reachable = [seen for seen in candidates if is_deletable(seen.id)]
        if reachable:
            self._keep_best(wanted, reachable)
        elif all(seen in candidates or seen.read_only == TEAM_ROW for seen in present):
            self._create(wanted)

    def left(self) -> list[ObservedDeployment]:
        """Return what is registered on our endpoints and belongs to no desired deployment."""
        left = (seen for seen in self.observed.deployments if seen.id not in self._settled)
        return [seen for seen in left if seen.key.endpoint in self._endpoints]

    def add(self, decision: Operation | Skip | None, kept: str = "") -> None:
        """Record a decision; None is that nothing is to be done.

        A delete is given the row that stays of ours under its name: ``kept``, if there is one.
        """
        if isinstance(decision, Skip):
            self.skips.append(decision)
        elif decision is not None:
            if decision.takes_away:
                name = decision.key.name
                kept = kept or self._staying.get(name) or self._coming.get(name, "")
                decision = replace(decision, keeps=kept)
            self.operations.append(decision)

    def _at(self, wanted: DesiredDeployment) -> list[ObservedDeployment]:
        """Return what is registered under its key, or for the same model by the Go program."""
        own, *earlier = wanted.row_keys()
        found = list(self._by_key.get(own, ()))
        for key in earlier:
            if key not in self._wanted:
                found += [seen for seen in self._by_key.get(key, ()) if self._is_free(seen)]
        return found

    def _is_free(self, seen: ObservedDeployment) -> bool:
        return seen.mark is None and not seen.read_only and seen.id not in self._settled

    def _create(self, wanted: DesiredDeployment) -> None:
        if wanted.mark.backend in self._endpoints[wanted.key.endpoint].maintenance:
            self.add(Skip(CREATE, wanted.key, "", MAINTENANCE, waits_for(wanted.mark.backend)))
            return
        new_id, revision = free_id(self.desired.owner, wanted.key, 0, self._ids)
        because = f"{wanted.mark.backend} serves it and LiteLLM does not have it"
        row = row_of(wanted, new_id, revision=revision)
        self.add(Operation(CREATE, wanted.key, new_id, "missing", because, row))
        self._coming.setdefault(wanted.key.name, new_id)

    def _keep_best(self, wanted: DesiredDeployment, candidates: list[ObservedDeployment]) -> None:
        """Keep the candidate that needs the least change, correct it, delete the others."""
        best, *others = sorted(candidates, key=lambda seen: preference(wanted, seen))
        outcome = self._brought_in_line(wanted, best)
        self.add(outcome)
        kept = outcome.id if isinstance(outcome, Operation) else best.id
        names = self._staying if kept == best.id else self._coming
        names.setdefault(wanted.key.name, kept)
        for other in others:
            self.add(settle_double(self._endpoints[wanted.key.endpoint], other, best), kept)

    def _brought_in_line(
        self, wanted: DesiredDeployment, seen: ObservedDeployment
    ) -> Operation | Skip | None:
        """Return what changes the row that stays, and takes it out of service or back."""
        endpoint, editing = self._endpoints[wanted.key.endpoint], self.observed.editing
        switch = restored(endpoint, wanted.mark.backend, seen, editing)
        if isinstance(switch, Operation):
            seen = replace(seen, blocked=switch.action == BLOCK)
        return with_switch(switch, adjust(wanted, seen, editing, self._ids), seen)
