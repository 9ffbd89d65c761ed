"""The plan that leads back from operations that were carried out. Pure.

| what was done | what leads back | unless |
| --- | --- | --- |
| create | delete | the row is not as it was made |
| delete | create, under the same id | a row is in its place; a key of it is not known any more |
| update | update, or replace | the row is not as it was made; it was adopted |
| replace | replace, under the old id | as for update and delete |
| block, unblock | unblock, block; with an update if it was one | as for update |
| release | the mark is written again | the row is not as it was left |

Then there is a skip instead: ``stale``, ``key_unknown`` or ``paused``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ..errors import UnprovenPlan
from ..litellm.row import ShownRow
from ..plan.leftovers import delete
from ..plan.plan import (
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
from ..plan.rows.chosen import plan_of
from ..plan.simulate import simulate
from ..plan.stale import STALE
from ..plan.update import adjust
from ..state.deployment import MARK, DesiredDeployment, ObservedDeployment, ObservedState
from ..state.endpoint import Scope
from ..state.field_change import FieldChange
from ..state.frozen import freeze, thaw
from ..state.mark import read_mark
from .names import safe
from .row_again import (
    KEY_UNKNOWN,
    PARTS,
    declared_in,
    is_redacted,
    is_unknown,
    key_before,
    leave,
    row_again,
    unknown_skip,
)
from .since import SWITCHES, Done, changed_since, reversed_change, was_done

UNDONE: Final = "undone"
"""The reason of an operation that leads back."""
Rows = Mapping[str, ObservedDeployment]


def make_undo(
    done: Sequence[Done],
    rows: Rows,
    observed: ObservedState,
    refusals: Mapping[Order, str] | None = None,
) -> Plan:
    """Return the plan that leads back from what was done, as far as the rows are as it left them.

    ``rows`` are all rows of LiteLLM with an id in one of the operations, by id. ``refusals`` say
    why operations of such a plan cannot be carried out.
    """
    operations: list[Operation] = []
    skips: list[Skip] = []
    for each in done:
        decision = _decide(each.operation, rows, observed)
        if isinstance(decision, Operation) and refusals:
            why = refusals.get(decision.order(), "")
            decision = leave(each.operation, KEY_UNKNOWN, why) if why else decision
        if isinstance(decision, Operation):
            operations.append(decision)
        elif decision is not None and (
            each.sure or decision.reason != STALE or was_done(each.operation, rows)
        ):
            skips.append(decision)
    lost = {skip.key.name for skip in skips if skip.action == CREATE}
    return plan_of([*safe(operations, lost, observed), *skips], observed.owner)


def verify_undo(plan: Plan, done: Sequence[Done], observed: ObservedState, scope: Scope) -> None:
    """Prove that after the plan nothing of it is left to undo, and that all other rows are there.

    Raises:
        UnprovenPlan: a bug of ours; nothing may be applied.
    """
    after = simulate(plan, observed, scope)
    rows = {seen.id: seen for seen in (*after.deployments, *after.strays)}
    before = {seen.id for seen in (*observed.deployments, *observed.strays)}
    touched = {op.touched for op in plan.operations}
    planned = {operation.order() for operation in plan.operations}
    left = [op for op in make_undo(done, rows, after).operations if op.order() in planned]
    if left or not before - rows.keys() <= touched:
        raise UnprovenPlan(
            "the plan does not lead back, or takes other rows away as well. This is a bug; please"
            " report it with the plan"
        )


def _decide(done: Operation, rows: Rows, observed: ObservedState) -> Operation | Skip | None:
    """Return what leads back from one operation; None if there is nothing to do."""
    seen = rows.get(done.id)
    if is_redacted(done.row) or is_redacted(done.before):
        why = "a text of its row was hidden as *** when the plan was written down"
        return leave(done, KEY_UNKNOWN, f"{why}; correct the row by hand")
    if done.action == DELETE:
        return _again(done, seen)
    if seen is None:
        return leave(done, STALE, "its row is not there any more")
    if changed := changed_since(done, seen):
        return leave(done, STALE, changed)
    if done.action == CREATE:
        return delete(seen, UNDONE, f"it was created: {done.because}")
    return _as_before(done, seen, rows.get(done.replaces), observed)


def _again(done: Operation, seen: ObservedDeployment | None) -> Operation | Skip:
    """Return the create of a row that was deleted."""
    if seen is not None:
        return leave(done, STALE, f"LiteLLM has a row with its id {done.id!r} again")
    made = row_again(done)
    if isinstance(made, Skip):
        return made
    row, lost = made
    because = f"it was deleted: {done.because}{lost}"
    return Operation(CREATE, key_before(done), done.id, UNDONE, because, row)


def _as_before(
    done: Operation,
    seen: ObservedDeployment,
    old: ObservedDeployment | None,
    observed: ObservedState,
) -> Operation | Skip | None:
    """Return what makes a row as it was before it was changed or replaced."""
    if done.action in SWITCHES or "litellm_params" not in done.row:
        return _switched_back(done, seen, observed)
    if MARK not in done.before["model_info"]:
        how = "it was adopted, and LiteLLM does not show the key that it had"
        return leave(done, KEY_UNKNOWN, f"{how}; `release` lets go of it as it is")
    if done.action == UPDATE:
        return _updated_back(done, seen, observed)
    return _replaced_back(done, seen, old)


def _switched_back(
    done: Operation, seen: ObservedDeployment, observed: ObservedState
) -> Operation | Skip | None:
    """Return what blocks, unblocks or marks a row as before; the time of a pause begins anew."""
    shown = done.before["model_info"]
    blocked = bool(shown.get("blocked"))
    row: Any = {"model_info": {"id": seen.id}}
    changes: tuple[FieldChange, ...] = ()
    if "litellm_params" in done.row:
        update = _as_before(
            replace(done, action=UPDATE), replace(seen, blocked=blocked), None, observed
        )
        if not isinstance(update, Operation):
            return update
        if update.action != UPDATE:
            return leave(done, STALE, "its row could only be replaced")
        row, changes = thaw(update.row), update.changes
    if mark := thaw(shown[MARK]) if MARK in shown else None:
        row["model_info"][MARK] = {k: v for k, v in mark.items() if k != "paused_at"}
    action, key = BLOCK if blocked else UNBLOCK, key_before(done)
    if done.action == UPDATE:
        action = UPDATE
    else:
        row["blocked"] = blocked
    because = f"{done.action} is taken back: {done.because}"
    return Operation(
        action, key, seen.id, UNDONE, because, freeze(row), changes, before=ShownRow(seen)
    )


def _replaced_back(
    done: Operation, seen: ObservedDeployment, old: ObservedDeployment | None
) -> Operation | Skip:
    """Return the replacement of a new row by the old one, under the id that this had."""
    if old is not None:
        return leave(done, STALE, f"the row that it replaced, {old.id!r}, is there")
    made = row_again(done)
    if isinstance(made, Skip):
        return made
    row, lost = made
    because = f"it was replaced: {done.because}{lost}"
    back = tuple(map(reversed_change, done.changes))
    before = ShownRow(seen)
    key = key_before(done)
    return Operation(
        REPLACE, key, done.replaces, UNDONE, because, row, back, seen.id, before=before
    )


def _updated_back(
    done: Operation, seen: ObservedDeployment, observed: ObservedState
) -> Operation | Skip | None:
    """Return what makes a row as it was before an update."""
    mark = read_mark(done.before["model_info"][MARK])
    assert mark is not None
    unknown = [name for _, name, value in declared_in(done.before, mark) if is_unknown(name, value)]
    if unknown:
        return unknown_skip(done, unknown)
    fields: dict[str, dict[str, Any]] = {part: {} for part in PARTS}
    for part, name, value in declared_in(done.before, mark):
        fields[part][name] = value
    wanted = DesiredDeployment(key_before(done), freeze(fields), mark)
    back = adjust(wanted, seen, observed.editing, observed.taken)
    if not isinstance(back, Operation):
        return back
    return replace(back, reason=UNDONE, because=f"it was updated: {done.because}")
