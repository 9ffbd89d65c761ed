"""Whether a row is still as an operation left it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..plan.plan import UPDATE, Operation
from ..plan.unlike import changes_since, in_words, is_made_by, lacks_removed, unlike
from ..state.deployment import MARK, ObservedDeployment
from ..state.field_change import FieldChange
from ..state.frozen import freeze
from ..state.pointer import parts_of
from .row_again import PARTS


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
    before = done.before if done.action == UPDATE else {}
    known: dict[str, Any] = {"model_name": seen.key.name}
    now: dict[str, Any] = {}
    for part in PARTS:
        kept = {**before.get(part, {}), **done.row[part]}
        known[part] = {name: value for name, value in kept.items() if name not in ours}
        now[part] = {name: value for name, value in seen.fields[part].items() if name not in ours}
    known["model_info"]["id"] = seen.id
    return changes_since(freeze(known), replace(seen, fields=freeze(now), mark=None))
