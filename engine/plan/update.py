"""A desired and an observed deployment -> the operation that corrects the observed one. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ..litellm.fields import DEFAULT_FALSE, NEVER_LISTED, as_sent, is_injected, is_masked
from ..litellm.row import ShownRow, is_patchable, row_of
from ..state.deployment import DesiredDeployment, Editing, ObservedDeployment
from ..state.field_change import FieldChange
from ..state.frozen import Frozen, freeze, thaw
from ..state.mark import Mark, free_id
from ..state.pointer import leaves, parts_of, pointer
from ..state.secret import SECRET, is_reference
from ..text import first_of
from .diff import field_changes, is_listed_as_sent
from .plan import REPLACE, UPDATE, Operation, Skip
from .wanted import wanted_of


def adjust(
    wanted: DesiredDeployment,
    seen: ObservedDeployment,
    editing: Editing,
    taken: Collection[str],
) -> Operation | Skip | None:
    """Return what makes ``seen`` match ``wanted``; None if it does already.

    ``taken`` are the ids that are in use, so that a replacement gets a free one.

    Only fields that we declare, or declared before, are compared. An update in place is chosen
    where this LiteLLM does exactly what is asked, a replacement otherwise.
    """
    wanted = wanted_of(wanted, seen)
    case = _Case(wanted, seen, editing, _changes(wanted, seen))
    if seen.mark is not None and seen.mark.fingerprint == wanted.mark.fingerprint:
        if not case.changes:
            return None
        reason, because = case.reported_or_edited()
    elif seen.mark is None:
        reason, because = (
            "adopted",
            f"registered without a mark for what {wanted.mark.backend} serves",
        )
    else:
        reason, because = "changed", case.wanted_otherwise(seen.mark)
    if case.in_place():
        return case.update(reason, because)
    if seen.blocked:
        how = "paused by hand" if not seen.paused else "out of service"
        waits = f"{how}; it is brought in line once it is unblocked"
        return Skip(REPLACE, seen.key, seen.id, "paused", waits)
    if unknown := case.unknown_key():
        return Skip(REPLACE, seen.key, seen.id, "key_unknown", unknown)
    return case.replacement(reason, because, taken)


@dataclass(frozen=True, slots=True)
class _Case:
    """A wanted and a seen deployment with the same key, and what has to change."""

    wanted: DesiredDeployment
    seen: ObservedDeployment
    editing: Editing
    changes: tuple[FieldChange, ...]

    def in_place(self) -> bool:
        """Tell whether a PATCH of this LiteLLM does exactly what is needed."""
        removed = [change.path for change in self.changes if change.op == "remove"]
        whole = [path for path in removed if path.count("/") == 2]
        removable = all(path.startswith("/litellm_params/") for path in whole)
        exact = not whole or (self.editing.removes and removable)
        return self.editing.in_place and is_patchable(self.seen.id) and exact

    def update(self, reason: str, because: str) -> Operation:
        """Return the update in place; it repeats what others switched on by hand."""
        seen = self.seen
        params = seen.fields["litellm_params"]
        kept = {
            name: True
            for name in sorted(DEFAULT_FALSE)
            if params.get(name) is True and pointer(("litellm_params", name)) not in seen.declared
        }
        wanted = self._after(seen.mark.adopted if seen.mark else "")
        if seen.mark and seen.mark.paused:
            why, since = seen.mark.paused, seen.mark.paused_at
            wanted = replace(wanted, mark=replace(wanted.mark, paused=why, paused_at=since))
        row = row_of(wanted, seen.id, revision=seen.revision, kept=freeze({"litellm_params": kept}))
        key, changes = self.wanted.key, self.changes
        old = ShownRow(seen)
        return Operation(UPDATE, key, seen.id, reason, because, row, changes, before=old)

    def replacement(self, reason: str, because: str, taken: Collection[str]) -> Operation:
        """Return the replacement: a new row under the next id; the old one is deleted last."""
        seen = self.seen
        owner = self.wanted.mark.owner
        new_id, revision = free_id(owner, self.wanted.key, seen.revision + 1, taken)
        kept, lost = self._carried()
        if lost:
            because += f"; set by hand and not readable, so not carried over: {', '.join(lost)}"
        wanted = self._after(seen.mark.adopted if seen.mark else seen.id)
        row = row_of(wanted, new_id, revision=revision, kept=kept)
        key, changes = self.wanted.key, self.changes
        old = ShownRow(seen)
        return Operation(REPLACE, key, new_id, reason, because, row, changes, seen.id, before=old)

    def unknown_key(self) -> str:
        """Return why a new row would lack a secret of the one that others made; "" if it has all.

        Rows that we made are replaced even then: what was set on them by hand is named in the plan.
        """
        file = self.wanted.missing_key
        if file and "api_key" not in self.wanted.fields["litellm_params"]:
            remedy = f"put it into the key file {file!r}, or leave that empty if none is needed"
            return f"it can only be replaced, and its key is not known: {remedy}"
        lost = self._carried()[1] if self.seen.mark is None else []
        if lost:
            hides = f"what LiteLLM hides of it would be lost: {', '.join(lost)}"
            remedy = "set this in litellm_params_defaults, or delete the row in LiteLLM"
            return f"it can only be replaced, and {hides}; {remedy}"
        return ""

    def _after(self, adopted: str) -> DesiredDeployment:
        """Return what is wanted, with the id of the unmarked row that it replaces in its mark.

        If a replace is interrupted before its delete, the next cycle knows that this row is to go.
        """
        return replace(self.wanted, mark=replace(self.wanted.mark, adopted=adopted))

    def _carried(self) -> tuple[Frozen, list[str]]:
        """Return what others set on the row, and the names of what cannot be read back."""
        declared = set(self.seen.declared)
        kept: dict[str, dict[str, Any]] = {"litellm_params": {}, "model_info": {}}
        lost = []
        for part, name, value in _fields(self.seen.fields):
            if pointer((part, name)) in declared or (name in DEFAULT_FALSE and value is False):
                continue
            if part == "model_info" and is_injected(name):
                continue
            if _hidden(name, value, masked=part == "litellm_params"):
                lost.append(name)
            else:
                kept[part][name] = value
        return freeze(kept), sorted(set(lost) - set(self.wanted.fields["litellm_params"]))

    def reported_or_edited(self) -> tuple[str, str]:
        """Return why an unchanged specification differs from the row."""
        reported = {path.split("/")[2] for path in self.wanted.mark.evidence}
        names = {change.path.split("/")[2] for change in self.changes}
        if names <= reported and all(c.path.startswith("/model_info/") for c in self.changes):
            return "changed", f"{self.wanted.mark.backend} reports other values: {self.listed()}"
        return "drifted", f"edited by hand: {self.listed()}"

    def wanted_otherwise(self, mark: Mark) -> str:
        """Return why a row with another specification than ours is changed."""
        if mark.comparable:
            return self.listed() or self.renewed()
        known = tuple(change for change in self.changes if not _of_references(change))
        also = f"; also changed: {replace(self, changes=known).listed()}" if known else ""
        return f"its mark is renewed: this engine compares secrets in another way{also}"

    def renewed(self) -> str:
        """Return what may have changed although the listing shows no change of a field."""
        params = thaw(self.wanted.fields["litellm_params"])
        names = sorted(name for name, value in params.items() if _unseen(name, value))
        if not names:
            return "only its mark is renewed"
        return f"its mark is renewed, and what LiteLLM does not show: {', '.join(names)}"

    def listed(self) -> str:
        """Return the changed fields as a short text."""
        names = [change.path.split("/", 2)[2] for change in self.changes]
        return first_of(names, 6)


def _changes(wanted: DesiredDeployment, seen: ObservedDeployment) -> tuple[FieldChange, ...]:
    """Return what has to change in the fields that we declare or declared before."""
    if is_listed_as_sent(wanted, seen):
        return ()
    declared: defaultdict[str, set[str]] = defaultdict(set)
    for path in seen.declared:
        part, name = parts_of(path)
        declared[part].add(name)
    before: dict[str, dict[str, Any]] = {}
    differs = False
    for part, fields in thaw(wanted.fields).items():
        masked = part == "litellm_params"
        known = before[part] = {
            name: as_sent(fields[name], value, name, masked=masked) if name in fields else value
            for name, value in thaw(seen.fields[part]).items()
            if name in fields or name in declared[part]
        }
        if masked:
            _add_unlisted(known, fields, declared[part])
        differs = differs or known.keys() != fields.keys()
        differs = differs or any(known[name] is not value for name, value in fields.items())
    return field_changes(freeze(before), wanted.fields) if differs else ()


def _add_unlisted(known: dict[str, Any], wanted: dict[str, Any], declared: set[str]) -> None:
    """Add to ``known`` the parameters that no listing shows, as far as the mark describes them.

    The mark has references to the secrets in such a parameter. The rest of it counts as unchanged:
    if we want something else there, the fingerprint differs.
    """
    for name in NEVER_LISTED.intersection((*wanted, *declared)):
        if name not in wanted:
            known.setdefault(name)
        elif _by_path(known.get(name, {})) == _references(wanted[name]):
            known[name] = wanted[name]


def _by_path(value: Any) -> dict[str, Any]:
    return {pointer(path): leaf for path, leaf in leaves(value)}


def _references(value: Any) -> dict[str, Any]:
    return {path: leaf for path, leaf in _by_path(value).items() if path.endswith(f"/{SECRET}")}


def _fields(fields: Frozen) -> Iterable[tuple[str, str, Any]]:
    for part, values in fields.items():
        for name, value in thaw(values).items():
            yield part, name, value


def _of_references(change: FieldChange) -> bool:
    """Tell whether a change replaces one reference by another."""
    return is_reference(change.before) and is_reference(change.after)


def _hidden(name: str, value: Any, *, masked: bool) -> bool:
    """Tell whether not all of a value is known, so that it cannot be sent again.

    LiteLLM masks some of it if it is ``masked``, or we keep a secret out of our documents.
    """
    if (masked and is_masked(name)) or is_reference(value):
        return True
    if isinstance(value, list):
        return any(_hidden("", member, masked=masked) for member in value)
    return isinstance(value, dict) and any(
        _hidden(key, item, masked=masked) for key, item in value.items()
    )


def _unseen(name: str, value: Any) -> bool:
    """Tell whether a parameter has parts, other than secrets, whose change no listing shows."""
    if name in NEVER_LISTED:
        return _by_path(value) != _references(value)
    if isinstance(value, dict):
        return not is_reference(value) and any(_unseen(*item) for item in value.items())
    if isinstance(value, list):
        return any(_unseen(name, member) for member in value)
    return is_masked(name)
