"""What was done, and what became of the rows since. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ..plan.plan import BLOCK, CREATE, REPLACE, UNBLOCK, UPDATE, Operation
from ..plan.unlike import changes_since, in_words, is_made_by, lacks_removed, unlike
from ..state.deployment import MARK, ObservedDeployment
from ..state.field_change import FieldChange
from ..state.frozen import freeze
from ..state.pointer import parts_of
from .row_again import PARTS

SWITCHES: Final = (BLOCK, UNBLOCK)


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that was carried out.

    If it is not ``sure``, nobody wrote down how it ended: it counts only where LiteLLM shows it.
    """

    operation: Operation
    sure: bool


def ids_in(done: Iterable[Done]) -> frozenset[str]:
    """Return the ids of all rows that the operations name."""
    return frozenset(
        row_id for each in done for row_id in (each.operation.id, each.operation.replaces) if row_id
    )


def was_done(operation: Operation, rows: Mapping[str, ObservedDeployment]) -> bool:
    """Tell whether a row shows an operation that is not in a log, although it changed since."""
    seen = rows.get(operation.id)
    if seen is None or operation.action not in (CREATE, UPDATE, REPLACE):
        return False
    return operation.action != UPDATE or bool(changes_since(operation.before, seen))


def changed_since(done: Operation, seen: ObservedDeployment) -> str:
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
    before = done.before if done.action in (UPDATE, *SWITCHES) else {}
    if done.action in SWITCHES:
        ours.add("blocked")
        seen = replace(seen, blocked=False)
    known: dict[str, Any] = {"model_name": seen.key.name}
    now: dict[str, Any] = {}
    for part in PARTS:
        kept = {**before.get(part, {}), **done.row.get(part, {})}
        known[part] = {name: value for name, value in kept.items() if name not in ours}
        now[part] = {name: value for name, value in seen.fields[part].items() if name not in ours}
    known["model_info"]["id"] = seen.id
    return changes_since(freeze(known), replace(seen, fields=freeze(now), mark=None, released=""))


def reversed_change(change: FieldChange) -> FieldChange:
    """Return the change that takes another one back."""
    op = {"add": "remove", "remove": "add"}.get(change.op, change.op)
    return FieldChange(op, change.path, change.after, change.before)
