"""What the observed state becomes when a plan is carried out. Pure."""

from __future__ import annotations

from dataclasses import replace

from .mark import read_mark
from .operations import DELETE, UPDATE, Operation, Plan
from .pointer import parts_of
from .state import MARK, Deployment, State, freeze, thaw


def simulate(plan: Plan, observed: State) -> State:
    """Return the state after the plan: every operation done, nothing else changed."""
    rows = {seen.id: seen for seen in observed.deployments}
    for operation in plan.operations:
        if operation.action == DELETE:
            rows.pop(operation.id, None)
        else:
            before = rows.get(operation.replaces or operation.id)
            rows.pop(operation.replaces, None)
            rows[operation.id] = _after(operation, before)
    ordered = sorted(rows.values(), key=lambda row: (row.key, row.id))
    return replace(observed, deployments=tuple(ordered))


def _after(operation: Operation, before: Deployment | None) -> Deployment:
    row = thaw(operation.row)
    mark = read_mark(row["model_info"].pop(MARK))
    row["model_info"].pop("id")
    fields = {"litellm_params": row["litellm_params"], "model_info": row["model_info"]}
    if before is not None and operation.action == UPDATE:
        merged = thaw(before.fields)
        for part, values in fields.items():
            merged[part].update(values)
        fields = merged
        for change in operation.changes:
            way = parts_of(change.path)
            if change.op == "remove" and len(way) == 2:
                fields[way[0]].pop(way[1], None)
    return Deployment(operation.key, freeze(fields), mark, operation.id)
