from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from engine import validate
from engine.config.model import KINDS
from engine.errors import InvalidDocument, Problem

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 2, "maxLength": 200},
        "on": {"type": "boolean"},
        "count": {"type": "integer", "minimum": 1, "maximum": 9},
        "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "policy": {"enum": ["sync", "create-only"]},
        "probe": {"enum": [True, False, "probe"]},
        "version": {"const": 1},
        "nothing": {"type": "null"},
        "slug": {"type": "string", "pattern": "^[a-z]+$"},
        "titled": {"title": "lower-case letters", "type": "string", "pattern": "^[a-z]+$"},
        "dollar": {"pattern": "^a\\$"},
        "api_key": {"type": "integer"},
        "headers": {"type": "object", "additionalProperties": {"type": "integer"}},
        "list": {
            "type": "array",
            "items": {"type": "integer"},
            "minItems": 1,
            "maxItems": 3,
            "uniqueItems": True,
        },
        "map": {"type": "object", "minProperties": 1, "maxProperties": 1},
        "names": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
        "shape": {
            "oneOf": [
                {"type": "object", "required": ["a"], "properties": {"kind": {"const": "a"}}},
                {
                    "type": "object",
                    "required": ["b", "c"],
                    "properties": {"kind": {"const": "b"}},
                },
            ]
        },
        "pair": {"required": ["left", "right"]},
        "never": False,
        "not_empty": {"not": {"const": ""}},
        "extra": {
            "type": "object",
            "properties": {"filter_regex": {}, "url": {}},
            "patternProperties": {"^x-": {}},
            "additionalProperties": False,
        },
        "evaluated": {"properties": {"url": {}}, "unevaluatedProperties": False},
        "deep": {"type": "array", "items": {"$ref": "#/properties/deep"}},
    },
}


@pytest.fixture(autouse=True)
def _schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    real = validate.schema
    validate._validator.cache_clear()
    monkeypatch.setattr(validate, "schema", lambda name: SCHEMA if name == "test" else real(name))
    yield
    validate._validator.cache_clear()


def problems_of(**fields: Any) -> list[str]:
    return [str(problem) for problem in validate.problems({"name": "box", **fields}, "test")]


PROBLEMS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"on": "maybe"}, ["on: expected a boolean, got the string 'maybe'"]),
    ({"on": 1}, ["on: expected a boolean, got the number 1"]),
    ({"on": None}, ["on: expected a boolean, got null"]),
    ({"on": []}, ["on: expected a boolean, got a list"]),
    ({"on": {}}, ["on: expected a boolean, got a map"]),
    ({"count": True}, ["count: expected a whole number, got the boolean true"]),
    ({"count": 1.5}, ["count: expected a whole number, got the number 1.5"]),
    ({"count": 1.0}, []),
    ({"count": 0}, ["count: expected a number of at least 1, got the number 0"]),
    ({"count": 10}, ["count: expected a number of at most 9, got the number 10"]),
    ({"share": 0}, ["share: expected a number above 0, got the number 0"]),
    ({"share": 1}, ["share: expected a number below 1, got the number 1"]),
    (
        {"policy": "synch"},
        [
            (
                "policy: expected one of 'sync', 'create-only', got the string 'synch'; "
                "did you mean `sync`?"
            )
        ],
    ),
    (
        {"policy": "CREATE-ONLY"},
        [
            (
                "policy: expected one of 'sync', 'create-only', got the string 'CREATE-ONLY'; "
                "did you mean `create-only`?"
            )
        ],
    ),
    ({"policy": 7}, ["policy: expected one of 'sync', 'create-only', got the number 7"]),
    ({"probe": 1}, ["probe: expected one of true, false, 'probe', got the number 1"]),
    ({"version": 2}, ["version: expected 1, got the number 2"]),
    ({"nothing": 2}, ["nothing: expected null, got the number 2"]),
    ({"slug": "A"}, ["slug: expected text that matches `^[a-z]+$`, got the string 'A'"]),
    ({"slug": "a\n"}, ["slug: expected text that matches `^[a-z]+$`, got the string 'a\\n'"]),
    ({"titled": "A"}, ["titled: expected lower-case letters, got the string 'A'"]),
    ({"dollar": "a$b"}, []),
    ({"name": "a"}, ["name: expected 2 or more characters, got the string 'a'"]),
    ({"list": "hunter2"}, ["list: expected a list, got a string"]),
    ({"list": []}, ["list: expected 1 or more items, got a list"]),
    ({"list": [1, 2, 3, 4]}, ["list: expected 3 or fewer items, got a list"]),
    ({"list": [1, 1]}, ["list: expected no item twice, got a list"]),
    ({"list": [1, "2"]}, ["list[1]: expected a whole number, got the string '2'"]),
    ({"map": {}}, ["map: expected 1 or more keys, got a map"]),
    ({"map": {"a": 1, "b": 2}}, ["map: expected 1 or fewer keys, got a map"]),
    ({"names": 1}, ["names: expected a string or a list, got the number 1"]),
    ({"names": ["a", 1]}, ["names[1]: expected a string, got the number 1"]),
    ({"shape": {"kind": "b", "b": 1}}, ["shape.c: missing; it is required"]),
    ({"shape": {"a": 1, "b": 1, "c": 1}}, ["shape: breaks the rule `oneOf` of its schema"]),
    ({"never": 1}, ["has no place here"]),  # jsonschema gives a false schema no path
    ({"not_empty": ""}, ["not_empty: breaks the rule `not` of its schema"]),
    ({"extra": {"x-1": 1}}, []),
    ({"evaluated": {"uri": 1}}, ["evaluated.uri: unknown; did you mean `url`?"]),
]


def test_a_problem_says_what_was_expected_and_what_is_there() -> None:
    assert [(fields, problems_of(**fields)) for fields, _ in PROBLEMS] == PROBLEMS


def test_every_unknown_key_is_a_problem_of_its_own() -> None:
    assert problems_of(extra={"filter_regexp": 1, "quux": 2, "x-a": 3}) == [
        "extra.filter_regexp: unknown; did you mean `filter_regex`?",
        "extra.quux: unknown; valid keys: filter_regex, url",
    ]


def test_every_missing_key_is_a_problem_at_its_own_path() -> None:
    assert validate.problems({"shape": {"kind": "c"}}, "test")[0].where == "name"
    found = validate.problems({"name": "box", "pair": {}}, "test")
    assert found == [
        Problem("pair.left", "missing; it is required"),
        Problem("pair.right", "missing; it is required"),
    ]


@pytest.mark.parametrize("document", [None, 1, "text", [], True])
def test_a_root_of_the_wrong_type_has_an_empty_path(document: Any) -> None:
    (problem,) = validate.problems(document, "test")
    assert problem.where == ""
    assert problem.what.startswith("expected a map, got ")


@pytest.mark.parametrize(
    "fields",
    [
        {"api_key": "hunter2"},
        {"headers": {"Authorization": "hunter2"}},
        {"headers": {"X-Auth-Token": "hunter2"}},
        {"extra": {"filter_regex": 1, "password": "hunter2"}},
        {"policy": "sk-hunter2"},
        {"policy": "Bearer hunter2"},
        {"on": "-----BEGIN PRIVATE hunter2"},
        {"on": "password: hunter2"},
        {"sk-hunter2": 1},
    ],
)
def test_no_problem_repeats_a_secret(fields: dict[str, Any]) -> None:
    assert problems_of(**fields)
    assert "hunter2" not in str(problems_of(**fields))


def test_the_value_of_a_secret_key_is_described_by_its_type() -> None:
    assert problems_of(api_key="x") == [
        "api_key: expected a whole number, got a string (not shown)"
    ]


def test_long_values_and_keys_are_cut() -> None:
    (long_value,) = problems_of(on="x" * 500)
    assert len(long_value) < 120
    (long_key,) = problems_of(**{"y" * 500: 1})
    assert len(long_key) < 600
    assert "y" * 100 not in long_key


def test_odd_keys_are_quoted_in_paths() -> None:
    path = ("models", "a b", 0, "x.y", "", "\ud800")
    assert validate.path_text(path) == "models['a b'][0]['x.y']['']['\\ud800']"


def test_a_deep_document_is_refused_without_an_overflow() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert [
        str(problem) for problem in validate.problems({"name": "box", "deep": deep}, "test")
    ] == ["nested too deeply"]
    assert validate.problems({"name": "box", "on": deep}, "test")
    # Freed level by level: the interpreter's own way down could be too deep.
    while deep:
        deep = deep.pop()


def test_validate_raises_with_every_problem_sorted() -> None:
    validate.validate({"name": "box"}, "test")
    with pytest.raises(InvalidDocument, match="the test document is not valid") as refused:
        validate.validate({"on": 1, "count": "x"}, "test")
    assert [problem.where for problem in refused.value.problems] == ["count", "name", "on"]


def test_every_schema_is_a_schema() -> None:
    names = [file.name for file in resources.files("schemas").iterdir() if ".schema." in file.name]
    assert "config.schema.json" in names
    for name in names:
        Draft202012Validator.check_schema(validate.schema(name.removesuffix(".schema.json")))


def references_in(node: Any) -> Iterator[str]:
    """Yield every ``$ref`` in a schema."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for inner in node.values():
            yield from references_in(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references_in(inner)


@pytest.mark.parametrize("name", ["config", "desired", "plan", "planlog"])
def test_every_reference_in_a_schema_leads_into_a_packaged_schema(name: str) -> None:
    for reference in references_in(validate.schema(name)):
        document, _, path = reference.partition("#")
        node: Any = validate.schema(document.rpartition(":")[2] or name)
        assert document in ("", node.get("$id"))
        for part in path.split("/")[1:]:
            node = node[part]


def test_a_line_of_the_plan_log_is_checked_against_the_schema_of_the_plan() -> None:
    skip = {"action": "create", "endpoint": "http://box", "name": "m", "upstream": "openai/m"}
    skip |= {"id": "", "reason": "held", "because": "an empty list"}
    line = {"version": 1, "time": "2026-01-01T00:00:00.000+00:00", "cycle": 1, "event": "skip"}
    assert validate.problems({**line, "skip": skip}, "planlog") == []
    (problem,) = validate.problems({**line, "skip": {**skip, "reason": "hold"}}, "planlog")
    assert problem.where == "skip.reason"
    assert problem.what.endswith("got the string 'hold'; did you mean `held`?")


def fields_of(node: Any) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield the name and schema of every field in a schema, and whether it is required."""
    if isinstance(node, dict):
        for name, field in node.get("properties", {}).items():
            yield name, field, name in node.get("required", ())
        for inner in node.values():
            yield from fields_of(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from fields_of(inner)


FROM_THE_TOP_LEVEL = {
    "joinable_names",
    "on_taken_name",
    "on_unreachable",
    "ownership",
    "policy",
    "removal_grace",
}


def test_every_field_of_the_configuration_has_description_default_and_examples() -> None:
    schema = validate.schema("config")
    found = list(fields_of(schema))
    assert {name for name, _, _ in found} >= {"litellm", "backends", "timeout", "replace", "id"}
    for name, field, required in found:
        assert field["description"].endswith("."), name
        assert field["examples"], name
        assert ("default" in field) != required or name in FROM_THE_TOP_LEVEL, name
        rules = {**field, "$defs": schema["$defs"]}
        for value in [*field["examples"], *([field["default"]] if "default" in field else [])]:
            assert Draft202012Validator(rules).is_valid(value), (name, value)
        assert field.get("default") not in field["examples"], name


def test_the_schema_names_every_kind_of_backend() -> None:
    kind = validate.schema("config")["$defs"]["backend"]["properties"]["type"]
    named = kind["description"].partition(". ")[0]
    assert named == f"The kind of server: {', '.join(f'`{name}`' for name in KINDS)}"
    assert kind["default"] == KINDS[0]


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from([*SCHEMA["properties"], "other"]), inner)
        ),
        max_leaves=15,
    )
)
def test_any_document_is_valid_or_explained(document: Any) -> None:
    valid = Draft202012Validator(json.loads(json.dumps(SCHEMA))).is_valid(document)
    found = validate.problems(document, "test")
    assert found == sorted(set(found))
    assert valid is not bool(found) or str(document).endswith("\\n")
