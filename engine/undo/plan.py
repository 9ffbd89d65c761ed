"""The plan that leads back from operations that were carried out. Pure.

| what was done | what leads back | unless |
| --- | --- | --- |
| create | delete | the row is not as it was made |
| delete | create, under the same id | a row is in its place; a key of it is not known any more |
| update | update, or replace | the row is not as it was made; it was adopted |
| replace | replace, under the old id | as for update and delete |

Then there is a skip instead: ``stale``, ``key_unknown`` or ``paused``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ..errors import UnprovenPlan
from ..litellm.row import ShownRow
from ..plan.leftovers import delete
from ..plan.plan import CREATE, DELETE, REPLACE, UPDATE, Operation, Order, Plan, Skip
from ..plan.simulate import simulate
from ..plan.stale import STALE
from ..plan.unlike import changes_since, in_words, is_made_by, lacks_removed, unlike
from ..plan.update import adjust
from ..state.deployment import MARK, DesiredDeployment, ObservedDeployment, ObservedState
from ..state.endpoint import Scope
from ..state.field_change import FieldChange
from ..state.frozen import freeze
from ..state.mark import read_mark
from ..state.pointer import parts_of
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

UNDONE: Final = "undone"
"""The reason of an operation that leads back."""
Rows = Mapping[str, ObservedDeployment]


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that was carried out.

    If it is not ``sure``, nobody wrote down how it ended: it counts only where LiteLLM shows it.
    """

    operation: Operation
    sure: bool


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
        elif decision is not None and (each.sure or decision.reason != STALE):
            skips.append(decision)
    lost = {skip.key.name for skip in skips if skip.action == CREATE}
    settled = [*_safe(operations, lost, observed)]
    return Plan(
        tuple(sorted((x for x in settled if isinstance(x, Operation)), key=Operation.order)),
        tuple(sorted([*skips, *(x for x in settled if isinstance(x, Skip))], key=Skip.order)),
        owner=observed.owner,
    )


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


def ids_in(done: Iterable[Done]) -> frozenset[str]:
    """Return the ids of all rows that the operations name."""
    return frozenset(
        row_id for each in done for row_id in (each.operation.id, each.operation.replaces) if row_id
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
    if changed := _changed_since(done, seen):
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
    """Return what makes a row as it was before an update, or before it was replaced."""
    if MARK not in done.before["model_info"]:
        how = "it was adopted, and LiteLLM does not show the key that it had"
        return leave(done, KEY_UNKNOWN, f"{how}; `release` lets go of it as it is")
    if done.action == UPDATE:
        return _updated_back(done, seen, observed)
    return _replaced_back(done, seen, old)


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
    back = tuple(map(_reversed, done.changes))
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


def _changed_since(done: Operation, seen: ObservedDeployment) -> str:
    """Return why a row is not as an operation left it; "" if it is."""
    if seen.read_only:
        return f"its row cannot be edited any more: {seen.read_only}"
    if changes := unlike(done, seen) + _edits_of_others(done, seen):
        return f"changed since: {in_words(changes)}"
    if not is_made_by(done, seen):
        return "its name or its mark has changed since"
    return "" if lacks_removed(done, seen) else "what was removed is there again"


def _edits_of_others(done: Operation, seen: ObservedDeployment) -> tuple[FieldChange, ...]:
    """Return what differs among the fields that nobody of us declared."""
    ours = {"api_key", MARK, "id"}
    for row in (done.row, done.before):
        mark = row["model_info"].get(MARK) if row else None
        ours |= {parts_of(path)[1] for path in (mark or {}).get("fields", ())}
    before = done.before if done.action == UPDATE else {}
    known: dict[str, Any] = {"model_name": seen.key.name}
    now: dict[str, Any] = {}
    for part in PARTS:
        kept = {**before.get(part, {}), **done.row[part]}
        known[part] = {name: value for name, value in kept.items() if name not in ours}
        now[part] = {name: value for name, value in seen.fields[part].items() if name not in ours}
    known["model_info"]["id"] = seen.id
    return changes_since(freeze(known), replace(seen, fields=freeze(now), mark=None))


def _safe(
    operations: Sequence[Operation], lost: Collection[str], observed: ObservedState
) -> Iterator[Operation | Skip]:
    """Yield the operations; a delete with the row that stays of ours under its public name.

    There is a skip in its place if none stays, and a row of that name cannot be made again.
    """
    going = {op.touched for op in operations if op.action in (DELETE, REPLACE)}
    staying = {
        seen.key.name: seen.id
        for seen in reversed(observed.deployments)
        if seen.id not in going and seen.belongs_to(observed.owner)
    }
    staying |= {op.key.name: op.id for op in operations if op.action in (CREATE, REPLACE)}
    for operation in operations:
        name = operation.key.name
        if operation.action != DELETE:
            yield operation
        elif name in lost and name not in staying:
            why = "the row that had its public name before cannot be made again"
            yield Skip(DELETE, operation.key, operation.id, KEY_UNKNOWN, why)
        else:
            yield replace(operation, keeps=staying.get(name, ""))


def _reversed(change: FieldChange) -> FieldChange:
    op = {"add": "remove", "remove": "add"}.get(change.op, change.op)
    return FieldChange(op, change.path, change.after, change.before)
