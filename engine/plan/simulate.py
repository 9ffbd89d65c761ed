"""What the next cycle will observe when a plan is carried out. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, replace
from typing import Any, Final

from ..litellm.listed import listed_row
from ..litellm.observed import in_order, observed_state
from ..litellm.row import shown_mark, stamped
from ..state.deployment import DesiredState, Named, ObservedDeployment, ObservedState
from ..state.endpoint import Scope
from ..state.frozen import thaw
from .plan import BLOCK, DELETE, REPLACE, UNBLOCK, UPDATE, Operation, Plan

_LATER: Final = "9999-12-31T00:00:00Z"
"""The time of a pause that is still to be written."""


def simulate(plan: Plan, observed: ObservedState, scope: Scope) -> ObservedState:
    """Return the state after the plan: every operation done, nothing else changed.

    What is written is turned into the rows that LiteLLM would list, and these are read like a
    listing. So a row that the next cycle would not find, or would read differently, is noticed.
    """
    rows = {seen.id: seen for seen in observed.deployments}
    strays = {seen.id: seen for seen in observed.strays}
    editing = asdict(observed.editing)
    for operation in plan.operations:
        before = rows.pop(operation.id, None) or strays.pop(operation.id, None)
        if operation.action == DELETE:
            continue
        if operation.action == REPLACE:
            rows.pop(operation.replaces, None)
            strays.pop(operation.replaces, None)
        merged = operation.action in (UPDATE, UNBLOCK, BLOCK)
        listed = _listed(operation, before if merged else None, observed)
        # Row by row: the rows of 10,000 operations at once would take 80 MiB.
        document = {"editing": editing, "data": [listed]}
        written = observed_state(document, scope, observed.owner)
        rows |= {seen.id: seen for seen in written.deployments}
        strays |= {seen.id: seen for seen in written.strays}
    return replace(
        observed,
        deployments=in_order(rows.values()),
        strays=in_order(strays.values()),
        taken=observed.taken | rows.keys(),
    )


def touched(plan: Plan, observed: ObservedState) -> set[str]:
    """Return the public names that the plan changes anything of."""
    ids = {row_id for op in plan.operations for row_id in (op.id, op.replaces)}
    here = (*observed.deployments, *observed.strays)
    changed = {seen.key.name for seen in here if seen.id in ids}
    return changed | {operation.key.name for operation in plan.operations}


def rows_of(desired: DesiredState, observed: ObservedState) -> list[Named]:
    """Return all rows that are desired or there."""
    return [*desired.deployments, *observed.deployments, *observed.strays]


def under(
    names: Collection[str], desired: DesiredState, observed: ObservedState
) -> tuple[DesiredState, ObservedState]:
    """Return both states with those of their rows that have some public names."""
    wanted = tuple(each for each in desired.deployments if each.key.name in names)
    seen = tuple(each for each in observed.deployments if each.key.name in names)
    strays = tuple(each for each in observed.strays if each.key.name in names)
    return replace(desired, deployments=wanted), replace(observed, deployments=seen, strays=strays)


def _listed(
    operation: Operation, before: ObservedDeployment | None, observed: ObservedState
) -> dict[str, Any]:
    """Return the row that LiteLLM lists once an operation is carried out."""
    old = None if before is None else _row_before(before)
    sent = stamped(operation.row, _LATER)
    row = listed_row(sent, observed.editing, old, operation.removed_params)
    if operation.row.get("blocked", before is not None and before.blocked):
        row["model_info"]["blocked"] = True
    return row


def _row_before(seen: ObservedDeployment) -> dict[str, Any]:
    """Return the listed row that a deployment was read from, as far as its fields show."""
    fields = thaw(seen.fields)
    info = {**fields["model_info"], "id": seen.id, **shown_mark(seen)}
    return {"model_name": seen.key.name, **fields, "model_info": info}
