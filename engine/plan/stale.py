"""A saved plan, held against the rows that LiteLLM lists now. Pure.

Each operation says itself when it may be carried out: a create while nobody has its row, any other
while its row is what it was computed from (``before``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ..litellm.observed import described
from ..litellm.row import is_deletable
from ..state.deployment import JOIN, MARK, TEAM_ROW, Editing, Key, ObservedDeployment, ObservedState
from .plan import (
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
from .unlike import changes_since, in_words, is_made_by, lacks_removed, unlike

if TYPE_CHECKING:
    from ..config.model import Backend

STALE: Final = "stale"
"""The reason of a skip for an operation of a saved plan that does not fit what is there now."""
_IN_PLACE: Final = (UPDATE, UNBLOCK, BLOCK)
_IS_NEW: Final = "since the plan was made"


@dataclass(frozen=True)  # no slots: cached_property keeps its value in the instance's __dict__
class Present:
    """What a saved plan is held against.

    ``rows`` are all rows with an id that the plan names, by id; ``observed`` is the whole state.
    ``unusable`` says of operations why the configuration of today does not let them be carried out.
    """

    rows: Mapping[str, ObservedDeployment]
    observed: ObservedState
    backends: Sequence[Backend]
    unusable: Mapping[Order, str]

    @cached_property
    def by_key(self) -> Mapping[Key, ObservedDeployment]:
        """For each key a row that takes the place of a new one."""
        rows = self.observed.deployments
        return {s.key: s for s in rows if s.read_only != TEAM_ROW and is_deletable(s.id)}

    @cached_property
    def names(self) -> Collection[tuple[str, str]]:
        """Each endpoint with each public name of the rows there."""
        return {(seen.key.endpoint, seen.key.name) for seen in self.observed.deployments}

    @cached_property
    def wildcards(self) -> Sequence[str]:
        """The public names of others that are wildcards; a bare ``*`` is a default route."""
        return sorted(n for n in self.observed.holders if "*" in n and not n.startswith("*"))


def without_stale(plan: Plan, present: Present) -> tuple[Plan, tuple[Operation, ...]]:
    """Return the plan with skips in place of what is stale, and the operations found done.

    A delete is refused as well if the row that was to stay under its public name is refused, or is
    not there any more.
    """
    done: list[Operation] = []
    refused: dict[Order, Skip] = {}
    lost: set[str] = set()
    coming: dict[str, str] = {}
    for operation in plan.operations:
        if _is_done(operation, present.rows):
            done.append(operation)
            continue
        because = present.unusable.get(operation.order(), "") or _refusal(operation, present)
        if operation.takes_away:
            because = because or _left_alone(operation, present.rows, coming, lost)
        if because:
            skip = Skip(operation.action, operation.key, operation.touched, STALE, because)
            refused[operation.order()] = skip
        if operation.action in (CREATE, REPLACE):
            if because:
                lost.add(operation.key.name)
            else:
                coming[operation.id] = operation.key.name
    return plan.without(refused), tuple(done)


def ids_in(plan: Plan) -> frozenset[str]:
    """Return the ids of all rows that the operations of a plan name."""
    named = (row_id for op in plan.operations for row_id in (op.id, op.replaces, op.keeps))
    return frozenset(filter(None, named))


def backend_of(operation: Operation) -> str:
    """Return the backend in the mark of the row that an operation sends; "" without a mark."""
    mark = operation.row["model_info"].get(MARK) if operation.row else None
    return str(mark.get("backend", "")) if mark else ""


def _is_done(operation: Operation, rows: Mapping[str, ObservedDeployment]) -> bool:
    """Tell whether LiteLLM is as an operation leaves it."""
    seen = rows.get(operation.id)
    if operation.action == DELETE:
        return seen is None
    if seen is None or operation.replaces in rows or not is_made_by(operation, seen):
        return False
    return lacks_removed(operation, seen) and not unlike(operation, seen)


def _refusal(operation: Operation, present: Present) -> str:
    """Return why an operation no longer fits the rows; "" if it does."""
    if operation.action == CREATE:
        return _occupied(operation, present) or _taken(operation, present)
    seen = present.rows.get(operation.touched)
    if seen is None:
        return f"row {operation.touched!r} is gone {_IS_NEW}"
    changes = changes_since(operation.before, seen)
    reasons = (
        f"changed {_IS_NEW}: {in_words(changes)}" if changes else "",
        f"LiteLLM does not let it be edited any more: {seen.read_only}" if seen.read_only else "",
        _occupied(operation, present) if operation.action == REPLACE else "",
        _inexact(operation, present.observed.editing) if operation.action in _IN_PLACE else "",
    )
    return next(filter(None, reasons), "")


def _inexact(operation: Operation, editing: Editing) -> str:
    """Return why this LiteLLM does not change a row as planned; "" if it does."""
    if editing.in_place and (editing.removes or not operation.removed_params):
        return ""
    return f"LiteLLM {editing.version or '(version unknown)'} cannot change this row in place"


def _occupied(operation: Operation, present: Present) -> str:
    """Return which row is in the place of one that is to be made; "" if there is none."""
    seen = present.rows.get(operation.id)
    if seen is not None:
        if operation.action == REPLACE and is_made_by(operation, seen):
            return ""  # its first half was carried out: the old row is still to go
        differs = in_words(unlike(operation, seen)) or "its mark"
        return f"LiteLLM has a row with its id, which is not as planned: {differs}"
    other = present.by_key.get(operation.key) if operation.action == CREATE else None
    if other is not None:
        whose = f"it belongs to owner {other.mark.owner!r}" if other.mark else ""
        return f"LiteLLM has {described(other.id, whose)} for it {_IS_NEW}"
    return ""


def _taken(operation: Operation, present: Present) -> str:
    """Return which row of others has the public name of a new row; "" if none does.

    A plan has a new row under such a name only where the configuration allows that, or a row of
    ours has the name already.
    """
    key = operation.key
    rule = next((b for b in present.backends if b.name == backend_of(operation)), None)
    if rule is None or rule.on_taken_name == JOIN or rule.may_join(key.name):
        return ""
    if (key.endpoint, key.name) in present.names:
        return ""
    names = [key.name, *(name for name in present.wildcards if _is_in(name, key.name))]
    found = [row for name in names for row in present.observed.holders.get(name, ())]
    return f"{found[0]} has its public name {_IS_NEW}" if found else ""


def _is_in(wildcard: str, name: str) -> bool:
    """Tell whether a wildcard has a name; what lies between several asterisks is not looked at."""
    prefix, _, rest = wildcard.partition("*")
    ending = rest.rpartition("*")[2]
    fits = name.startswith(prefix) and name.endswith(ending)
    return fits and len(prefix) + len(ending) <= len(name)


def _left_alone(
    operation: Operation,
    rows: Mapping[str, ObservedDeployment],
    coming: Mapping[str, str],
    lost: Collection[str],
) -> str:
    """Return why a public name would be left without a row; "" if it would not.

    ``coming`` are the new rows of the plan with their names, ``lost`` the names of refused ones.
    """
    name = operation.key.name
    if name in lost:
        return f"{name!r} might lose its last deployment, since its new row is refused"
    kept = rows.get(operation.keeps)
    stays = coming.get(operation.keeps) == name or (kept is not None and kept.key.name == name)
    if operation.keeps and not stays:
        return f"row {operation.keeps!r}, which was to stay under its name, is gone {_IS_NEW}"
    return ""
