"""Changes between fields, as RFC 6902."""

from __future__ import annotations

from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.diff import field_changes
from engine.state.frozen import canonical_json, freeze, thaw

SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.sampled_from(["", "a", "1"]))
NAMES = st.sampled_from(["a", "b", "x/y", "x~1", "", "0", "$secret", "ü", "__a", "['b']", "c'\""])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=4)


@given(DOCUMENTS, DOCUMENTS)
def test_a_standard_patch_leads_from_one_to_the_other(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    changes = field_changes(freeze(before), freeze(after))
    patch = jsonpatch.JsonPatch([change.to_json() for change in changes])
    assert canonical_json(patch.apply(before)) == canonical_json(after)
    assert [change.path for change in changes] == sorted({change.path for change in changes})


@given(DOCUMENTS)
def test_equal_fields_have_no_changes(document: dict[str, Any]) -> None:
    assert field_changes(freeze(document), freeze(document)) == ()


REFERENCE = {"$secret": "f" * 32}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (REFERENCE, {"$secret": "e" * 32}),
        (REFERENCE, {"plain": 1}),
        ({"plain": 1}, REFERENCE),
        ([1, 2], [2]),
        ([{"x": 1}], [{"x": 2}]),
        ([1], {"0": 1}),
        (True, 1),
        ([[True, True], []], [[1, True], []]),
        ([1], "[1]"),
        ([REFERENCE], REFERENCE),
        (["\ud800"], ["\udfff"]),
    ],
)
def test_a_list_and_a_secret_change_as_a_whole(before: object, after: object) -> None:
    (change,) = field_changes(freeze({"a": {"b": before}}), freeze({"a": {"b": after}}))
    assert (change.op, change.path) == ("replace", "/a/b")
    assert (thaw(change.before), thaw(change.after)) == (before, after)


def test_a_map_changes_field_by_field() -> None:
    before = freeze({"a": {"x": 1, "y": {"z": 1}, "gone": 1}})
    after = freeze({"a": {"x": 1, "y": {"z": 2}, "new/one": None}})
    assert [change.to_json() for change in field_changes(before, after)] == [
        {"op": "remove", "path": "/a/gone", "was": 1},
        {"op": "add", "path": "/a/new~1one", "value": None},
        {"op": "replace", "path": "/a/y/z", "value": 2, "was": 1},
    ]


def test_a_name_that_python_would_keep_private_is_compared() -> None:
    (change,) = field_changes(freeze({"a": {"__b": 1}}), freeze({"a": {"__b": 2}}))
    assert change.to_json() == {"op": "replace", "path": "/a/__b", "value": 2, "was": 1}
