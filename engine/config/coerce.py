"""Converts a document to what its schema describes: strings, defaults, no nulls. Pure.

Go's yaml.v2 decides by the type of the field, not by the scalar: ``name: 017`` is the text "017"
and ``name: yes`` the text "yes", while the same scalars in a free map are 15 and true.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from .yaml.tree import Steps

Schema = Mapping[str, Any]
_SECTIONS: Final = ("litellm", "limits")
"""Keys of a configuration of whose values one may be wrong and the others count."""


def as_declared(value: Any, schema: Schema, raw: Mapping[Steps, str]) -> Any:
    """Return a copy of ``value`` as ``schema`` describes it.

    Where the schema has a string, a scalar becomes its ``raw`` text. A key that is missing or null
    gets the default of the schema; without a default, a null is left out. Values that the schema
    does not describe, or that have another wrong type, stay as they are.
    """
    return _Reading(schema, raw).value(value, schema, ())


def without(value: Any, paths: Collection[Steps], path: Steps = ()) -> Any:
    """Return a copy of ``value`` without the values at ``paths``; an item of a list becomes {}."""
    if path in paths:
        return {}
    if isinstance(value, dict):
        kept = {key: item for key, item in value.items() if (*path, key) not in paths}
        return {key: without(item, paths, (*path, key)) for key, item in kept.items()}
    if isinstance(value, list):
        return [without(item, paths, (*path, index)) for index, item in enumerate(value)]
    return value


def usable_part(given: Any, wrong: Collection[Steps], schema: Schema) -> dict[str, Any]:
    """Return a configuration without what is ``wrong``, with the defaults of its schema.

    ``given`` is what :func:`as_declared` returned. A backend in which something is wrong is left
    out as a whole. An address of LiteLLM that is wrong or missing is left out.
    """
    whole = given if isinstance(given, dict) else {}
    backends = whole.get("backends")
    kept = without(
        whole, {path[:2] if path[0] in _SECTIONS else path[:1] for path in wrong if path}
    )
    kept["backends"] = [
        backend
        for index, backend in enumerate(backends if isinstance(backends, list) else ())
        if not any(path[:2] == ("backends", index) for path in wrong)
    ]
    sections = {key: kept[key] for key in _SECTIONS if isinstance(kept.get(key), dict)}
    usable: dict[str, Any] = as_declared(
        {**kept, "litellm": {}, "limits": {}, **sections}, schema, {}
    )
    return usable


class _Reading:
    def __init__(self, root: Schema, raw: Mapping[Steps, str]) -> None:
        self._definitions = root.get("$defs", {})
        self._raw = raw

    def value(self, value: Any, schema: Schema, path: Steps) -> Any:
        schema = self._fitting(value, schema)
        if isinstance(value, dict):
            return self._map(value, schema, path)
        if isinstance(value, list):
            inner = schema.get("items", {})
            return [self.value(item, inner, (*path, i)) for i, item in enumerate(value)]
        if value is None or "string" not in _types(schema) or _type(value) in _types(schema):
            return value
        return self._raw[path]

    def _map(self, value: Mapping[str, Any], schema: Schema, path: Steps) -> dict[str, Any]:
        known = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        other = rest if isinstance(rest, Mapping) else {}
        given = {key: item for key, item in value.items() if item is not None or key not in known}
        defaults = {key: field["default"] for key, field in known.items() if "default" in field}
        return {
            key: self.value(item, known.get(key, other), (*path, key))
            for key, item in {**defaults, **given}.items()
        }

    def _fitting(self, value: Any, schema: Schema) -> Schema:
        """Return the part of a schema that fits ``value``: what it refers to, or an alternative."""
        if "$ref" in schema:
            return {**self._definitions[schema["$ref"].removeprefix("#/$defs/")], **schema}
        alternatives = schema.get("anyOf", [schema])
        fitting = [part for part in alternatives if _type(value) in _types(part)]
        chosen: Schema = (fitting or alternatives)[0]
        return chosen


def _types(schema: Schema) -> Collection[str]:
    types: str | list[str] = schema.get("type", [])
    return [types] if isinstance(types, str) else types


def _type(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean"}
    return names.get(type(value), "number")
