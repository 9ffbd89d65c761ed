"""How a row that LiteLLM lists differs from what it was, or from what a write leaves. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from ..litellm.fields import DEFAULT_FALSE, NEVER_LISTED, as_sent, is_injected
from ..litellm.row import ShownRow
from ..state.deployment import MARK, ObservedDeployment
from ..state.field_change import FieldChange
from ..state.frozen import EMPTY, Frozen, freeze, thaw
from ..state.mark import LADDER, mark_owner, releaser
from ..state.pointer import parts_of
from ..state.secret import is_reference
from ..text import format_value
from .diff import ABSENT, field_changes, value_at
from .plan import Operation

_NAMED: Final = 3
"""Changed fields that a sentence names."""


def changes_since(before: Frozen, seen: ObservedDeployment) -> tuple[FieldChange, ...]:
    """Return what LiteLLM shows of a row now and did not show before.

    What it adds to a listing by itself is not compared: that follows its version, its cost map, the
    replica and the key that asks. Nor is when and by whom a row was written. Changes of the mark
    are left out if there are others.
    """
    old, new = _comparable(before), _comparable(ShownRow(seen))
    changes = field_changes(freeze(old), freeze(as_sent(old, new, masked=False)))
    told = tuple(c for c in changes if not c.path.startswith(f"/model_info/{MARK}/"))
    return told or changes


def _comparable(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without what may differ although nobody changed it."""
    plain = {name: thaw(value) for name, value in row.items()}
    declared = set(plain["model_info"].get(MARK, {}).get("fields", ()))
    plain["litellm_params"] = {
        name: value
        for name, value in plain["litellm_params"].items()
        if not (name in DEFAULT_FALSE and value is False)
    }
    plain["model_info"] = {
        name: value
        for name, value in plain["model_info"].items()
        if f"/model_info/{name}" in declared or not is_injected(name)
    }
    return plain


def is_made_by(operation: Operation, seen: ObservedDeployment) -> bool:
    """Tell whether a row has the name, the mark and the block that an operation writes."""
    row, mark = operation.row, seen.mark
    planned = row["model_info"].get(MARK)
    if row.get("model_name", seen.key.name) != seen.key.name:
        return False
    if row.get("blocked", seen.blocked) != seen.blocked:
        return False
    if planned is not None and mark_owner(planned) is None:
        return seen.released == releaser(planned)
    if mark is None or planned is None:
        return mark is None and planned is None
    if mark.paused == LADDER and not mark.paused_at:
        return False  # such a pause is still to be dated
    return (mark.fingerprint, mark.paused) == (planned["fingerprint"], planned.get("paused", ""))


def unlike(operation: Operation, seen: ObservedDeployment) -> tuple[FieldChange, ...]:
    """Return what a row has otherwise than an operation leaves it, of the fields that it sets.

    Parts of a value that no listing shows count as they are: the fingerprint in the mark differs
    if they do.
    """
    planned: dict[str, dict[str, Any]] = {"litellm_params": {}, "model_info": {}}
    known: dict[str, dict[str, Any]] = {"litellm_params": {}, "model_info": {}}
    for part, name, value in _sent(operation):
        if name in NEVER_LISTED and not is_reference(value):
            continue
        planned[part][name] = value
        if name in seen.fields[part]:
            shown = thaw(seen.fields[part][name])
            known[part][name] = as_sent(value, shown, name, masked=part == "litellm_params")
    return field_changes(freeze(planned), freeze(known))


def _sent(operation: Operation) -> Iterator[tuple[str, str, Any]]:
    """Yield part, name and value of each field that an operation sets for us."""
    mark = operation.row["model_info"].get(MARK)
    fields = () if mark is None else mark.get("fields", ())
    declared = None if mark is None else {tuple(parts_of(path)) for path in fields}
    for part in ("litellm_params", "model_info"):
        for name, value in thaw(operation.row.get(part, EMPTY)).items():
            if (part, name) in declared if declared is not None else name != "id":
                yield part, name, value


def lacks_removed(operation: Operation, seen: ObservedDeployment) -> bool:
    """Tell whether a row has none of the fields that an operation removes."""
    removed = [parts_of(change.path) for change in operation.changes if change.op == "remove"]
    return all(value_at(seen.fields, path) is ABSENT for path in removed)


def in_words(changes: Sequence[FieldChange]) -> str:
    """Return changed fields with what they were and are: ``litellm_params.rpm: 60 -> 30``."""
    shown = []
    for change in changes[:_NAMED]:
        path = change.path.lstrip("/").replace("/", ".")
        was = "(none)" if change.op == "add" else format_value(change.before)
        now = "(none)" if change.op == "remove" else format_value(change.after)
        shown.append(f"{path}: {was} -> {now}")
    more = len(changes) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
