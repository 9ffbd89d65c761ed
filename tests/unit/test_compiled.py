"""The compiled schemas find what jsonschema itself finds, in the same order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from engine.compiled import Compiled
from engine.validate import schema

ROOT = Path(__file__).parents[2]
PLANS = [
    json.loads(path.read_text()) for path in sorted(ROOT.glob("fixtures/scenarios/*/plan.json"))
]
LINE = {"version": 1, "time": "2026-01-01T00:00:00+00:00", "cycle": 1, "event": "plan"}
NAMES = sorted(path.name.split(".")[0] for path in (ROOT / "schemas").glob("*.schema.json"))

LETTERS = st.text("ab$/0-", max_size=4)
"""Without a line break, before which the patterns of jsonschema end too."""
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | LETTERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(LETTERS, inner, max_size=3),
    max_leaves=8,
)


def retrieve(uri: str) -> Resource[Any]:
    return Resource.from_contents(schema(uri.rpartition(":")[2]))


def reference(name: str) -> Any:
    return Draft202012Validator(schema(name), registry=Registry(retrieve=retrieve))  # type: ignore[call-arg]


def found(validator: Any, document: Any) -> list[Any]:
    return [
        (list(error.absolute_path), list(error.absolute_schema_path), error.validator)
        for error in validator.iter_errors(document)
    ]


def places(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value of a document."""
    members = node.items() if isinstance(node, dict) else enumerate(node)
    inner = (
        places(value, (*path, key)) if isinstance(value, dict | list) else [(*path, key)]
        for key, value in members
    )
    return [path, *(place for group in inner for place in group)]


@given(st.data())
def test_a_spoiled_plan_has_the_same_errors(data: st.DataObject) -> None:
    document = {"plan": json.loads(json.dumps(data.draw(st.sampled_from(PLANS))))}
    for _ in range(data.draw(st.integers(0, 3))):
        *way, last = data.draw(st.sampled_from(places(document)[1:]))
        node: Any = document
        for step in way:
            node = node[step]
        node[last] = data.draw(JSON_VALUES)
    plan, line = document["plan"], {**LINE, "plan": document["plan"]}
    assert found(Compiled("plan", schema), plan) == found(reference("plan"), plan)
    assert found(Compiled("planlog", schema), line) == found(reference("planlog"), line)


@pytest.mark.parametrize("name", NAMES)
@given(document=JSON_VALUES)
def test_any_document_has_the_same_errors(name: str, document: Any) -> None:
    assert found(Compiled(name, schema), document) == found(reference(name), document)
