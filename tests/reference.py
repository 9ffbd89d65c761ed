"""Writes the configuration reference into ``schemas/README.md``: ``python -m tests.reference``.

The reference is made from ``schemas/config.schema.json`` alone: one table for each map of the
configuration, one row for each field.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from .marked import filled

SCHEMAS: Final = Path(__file__).parent.parent / "schemas"
README: Final = SCHEMAS / "README.md"
Schema = Mapping[str, Any]

_TYPES: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true` or `false`",
    "object": "map",
    "null": "null",
    "any": "anything",
}
_LIMITS: Final = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
}
_MARKDOWN: Final = re.compile(r"[\\*<$|]")
"""What would be read as Markdown, as HTML or as a formula."""


class Reference:
    """The tables of one schema, whose ``$ref`` are all local (``#/$defs/name``)."""

    def __init__(self, schema: Schema) -> None:
        self._root = schema

    def text(self) -> str:
        """Return all tables, the top level first, each followed by those of its maps."""
        return "\n\n".join(self._table(path, schema) for path, schema in self.maps())

    def maps(self) -> Iterator[tuple[str, Schema]]:
        """Yield the path and the schema of each map with fields of its own, the top level first.

        The path of a member of a list ends in ``[]``: ``backends[].overrides[]``.
        """
        yield from self._maps("", self._root)

    def fields(self, schema: Schema) -> list[tuple[str, Schema]]:
        """Return the fields of a map; those named by an expression such as ``^x-`` come last."""
        named = dict(schema["properties"])
        for expression, field in schema.get("patternProperties", {}).items():
            named[f"{expression.removeprefix('^')}..."] = field
        return [(name, self._resolved(field)) for name, field in named.items()]

    def _maps(self, path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
        yield path, schema
        for name, field in self.fields(schema):
            below, nested = self._nested(_joined(path, name), field)
            if nested is not None:
                yield from self._maps(below, nested)

    def _table(self, path: str, schema: Schema) -> str:
        heading = f"### `{path}`" if path else "### Top level"
        rows = ["| field | type | default | meaning |", "| --- | --- | --- | --- |"]
        rows += [self._row(path, name, field, schema) for name, field in self.fields(schema)]
        return f"{heading}\n\n" + "\n".join(rows)

    def _row(self, path: str, name: str, field: Schema, owner: Schema) -> str:
        kind = self._kind(field)
        below, nested = self._nested(_joined(path, name), field)
        if nested is not None:
            kind += f", see [`{below}`](#{_anchor(below)})"
        cells = [f"`{name}`", kind, _default(name, field, owner), _meaning(name, field)]
        return f"| {' | '.join(cells)} |"

    def _nested(self, path: str, field: Schema) -> tuple[str, Schema | None]:
        """Return the map with fields that a field is, or is a list of, and its path; else None."""
        if "items" in field:
            return self._nested(f"{path}[]", self._resolved(field["items"]))
        for choice in (field, *field.get("anyOf", ())):
            resolved = self._resolved(choice)
            if "properties" in resolved:
                return path, resolved
        return path, None

    def _resolved(self, field: Schema) -> Schema:
        """Return a field with what it refers to; its own words go over those of the definition."""
        if "$ref" not in field:
            return field
        name = field["$ref"].removeprefix("#/$defs/")
        return {**self._resolved(self._root["$defs"][name]), **field}

    def _kind(self, field: Schema) -> str:
        """Return the type of a field in words, with its bounds."""
        if "enum" in field:
            return " or ".join(_code(value) for value in field["enum"])
        if "anyOf" in field:
            return " or ".join(self._kind(self._resolved(choice)) for choice in field["anyOf"])
        declared = field.get("type", "any")
        kinds = [declared] if isinstance(declared, str) else declared
        text = " or ".join(self._simple(kind, field) for kind in kinds)
        if "title" in field:
            title = _prose(field["title"])
            text = title if len(kinds) > 1 else f"{text}: {title}"
        bounds = [words.format(field[rule]) for rule, words in _LIMITS.items() if rule in field]
        return "; ".join([text, *bounds])

    def _simple(self, kind: str, field: Schema) -> str:
        if kind == "array":
            members = self._resolved(field.get("items", {}))
            if "enum" in members:
                return f"list of {', '.join(_code(value) for value in members['enum'])}"
            return f"list of {_plural(self._kind(members))}"
        values = field.get("additionalProperties")
        if kind == "object" and isinstance(values, Mapping):
            return f"map to {self._kind(self._resolved(values))}"
        return _TYPES[kind]


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _anchor(text: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _plural(kind: str) -> str:
    """Return a type in the plural: ``texts or maps``."""
    return " or ".join(f"{word}s" for word in kind.split(" or "))


def _default(name: str, field: Schema, owner: Schema) -> str:
    if "default" in field:
        return _code(field["default"])
    if name not in owner["properties"]:
        return ""
    return "required" if name in owner.get("required", ()) else "see text"


def _meaning(name: str, field: Schema) -> str:
    """Return the description and the examples of a field, each as a line of YAML."""
    key = name.replace("...", "name")
    lines = [f"{key}: {in_one_line(example)}" for example in field["examples"]]
    shown = [f"`{_cell(line)}`" for line in lines]
    word = "Example" if len(shown) == 1 else "Examples"
    return f"{_prose(field['description'])}<br>{word}: {', '.join(shown)}"


def _code(value: Any) -> str:
    return f"`{_cell(in_one_line(value))}`"


def _cell(code: str) -> str:
    """Return code that may stand in a cell; GitHub reads an escaped bar in it as a bar."""
    return code.replace("|", r"\|")


def in_one_line(value: Any) -> str:
    """Return a value as YAML in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6)
    return text.removesuffix("...\n").strip() or "''"


def _prose(text: str) -> str:
    """Return text of the schema, whose code is between backticks, as Markdown for a cell."""
    parts = text.split("`")
    parts[::2] = [_MARKDOWN.sub(r"\\\g<0>", part) for part in parts[::2]]
    parts[1::2] = [_cell(part) for part in parts[1::2]]
    return "`".join(parts)


def config_schema() -> Schema:
    """Return the schema of the configuration."""
    return json.loads((SCHEMAS / "config.schema.json").read_text())  # type: ignore[no-any-return]


def with_reference(text: str) -> str:
    """Return the README with its reference made again."""
    content = Reference(config_schema()).text()
    return filled(text, "reference", "python -m tests.reference", content)


if __name__ == "__main__":
    README.write_text(with_reference(README.read_text()))
