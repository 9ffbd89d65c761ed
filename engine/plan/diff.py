"""Field by field, what turns one set of fields into another. Pure.

Found with deepdiff, written and applied as RFC 6902 with jsonpatch; the only importer of both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jsonpatch
from deepdiff import DeepDiff

from ..errors import UnprovenPlan
from ..state.deployment import DesiredDeployment, ObservedDeployment
from ..state.field_change import FieldChange
from ..state.frozen import Frozen, canonical_json, freeze, identical, thaw
from ..state.pointer import pointer
from ..state.secret import is_reference

ABSENT = object()


def field_changes(before: Frozen, after: Frozen) -> tuple[FieldChange, ...]:
    """Return the changes from ``before`` to ``after``, sorted by path.

    A list, and a secret reference, is one value: it changes as a whole. True and 1 differ. The
    changes are applied to ``before`` as a check.

    Raises:
        UnprovenPlan: they do not lead from ``before`` to ``after``; a bug of ours.
    """
    old, new = thaw(before), thaw(after)
    tree = DeepDiff(
        _with_leaves(old),
        _with_leaves(new),
        view="tree",
        threshold_to_diff_deeper=0,
        ignore_private_variables=False,  # else names that begin with two underscores are left out
    )
    paths = {
        tuple(level.path(output_format="list")) for levels in tree.values() for level in levels
    }
    changes = [_change(path, value_at(old, path), value_at(new, path)) for path in paths]
    ordered = tuple(sorted(changes, key=lambda change: change.path))
    if canonical_json(with_changes(before, ordered)) != canonical_json(after):
        raise UnprovenPlan("the patch of a changed deployment does not lead to what is desired")
    return ordered


def with_changes(before: Frozen, changes: Iterable[FieldChange]) -> Frozen:
    """Return ``before`` with the changes applied, by RFC 6902."""
    patch = jsonpatch.JsonPatch([change.to_json() for change in changes])
    return freeze(patch.apply(thaw(before)))  # type: ignore[no-any-return]


def _with_leaves(value: Any) -> Any:
    """Return a value for DeepDiff with each list and secret reference as bytes, so as one value.

    Inside lists DeepDiff would treat True and 1 as equal.
    """
    if isinstance(value, list) or is_reference(value):
        return canonical_json(value).encode(errors="surrogatepass")
    if isinstance(value, dict):
        return {name: _with_leaves(inner) for name, inner in value.items()}
    return value


def value_at(document: Any, path: Iterable[Any]) -> Any:
    """Return what is at a path of maps; ABSENT if nothing is."""
    for part in path:
        if not isinstance(document, Mapping) or part not in document:
            return ABSENT
        document = document[part]
    return document


def _change(path: tuple[Any, ...], before: Any, after: Any) -> FieldChange:
    where = pointer(path)
    if after is ABSENT:
        return FieldChange("remove", where, freeze(before))
    if before is ABSENT:
        return FieldChange("add", where, after=freeze(after))
    return FieldChange("replace", where, freeze(before), freeze(after))


def is_listed_as_sent(wanted: DesiredDeployment, seen: ObservedDeployment) -> bool:
    """Tell whether we declared just what is wanted, and all of it is listed as it was sent.

    Nearly every row is; others are looked at more closely.
    """
    return seen.declared == wanted.mark.fields and all(
        name in seen.fields[part] and identical(value, seen.fields[part][name])
        for part, fields in wanted.fields.items()
        for name, value in fields.items()
    )
