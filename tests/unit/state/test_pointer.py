"""JSON pointers: written, read, followed."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from engine.state.pointer import leaves, parts_of, pointer, put


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ((), ""),
        (("a", "b"), "/a/b"),
        (("a/b", "c~d"), "/a~1b/c~0d"),
        (("~1",), "/~01"),
        ((0,), "/0"),
    ],
)
def test_a_pointer_is_read_back_as_it_was_written(parts: tuple[object, ...], path: str) -> None:
    assert pointer(parts) == path
    assert parts_of(path) == [str(part) for part in parts]


def test_the_leaves_are_all_that_is_no_map_and_no_list() -> None:
    value = {"a": 1, "b": [2, {"c": None}], "d": (3,), "e": [], "f": {}}
    assert dict(leaves(value)) == {
        ("a",): 1,
        ("b", 0): 2,
        ("b", 1, "c"): None,
        ("d", 0): 3,
    }


@pytest.mark.parametrize(
    ("document", "path", "after"),
    [
        ({}, "/a", {"a": "x"}),
        ({}, "/a/b/c", {"a": {"b": {"c": "x"}}}),
        ({"a": [1, 2]}, "/a/0", {"a": ["x", 2]}),
        ({"a": [1, 2]}, "/a/1", {"a": [1, "x"]}),
        ({"a": [{}, {}]}, "/a/1/b", {"a": [{}, {"b": "x"}]}),
        ({"a": [[1]]}, "/a/0/0", {"a": [["x"]]}),
    ],
)
def test_a_value_is_put_at_its_place(document: dict[str, Any], path: str, after: Any) -> None:
    changed = copy.deepcopy(document)
    put(changed, path, "x")
    assert changed == after


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"a": [1]}, "/a/1"),
        ({"a": [1]}, "/a/-"),
        ({"a": [1]}, "/a/b"),
        ({"a": [{}]}, "/a/1/b"),
        ({"a": [{}]}, "/a/b/c"),
        ({"a": 1}, "/a/0"),
        ({"a": 1}, "/a/0/b"),
        ({"a": 1}, "/a/b/c"),
        ({"a": "12"}, "/a/0"),
        ({"a": None}, "/a/b"),
    ],
)
def test_where_nothing_can_be_entered_nothing_is_put(document: dict[str, Any], path: str) -> None:
    changed = copy.deepcopy(document)
    put(changed, path, "x")
    assert changed == document
