"""JSON Schemas compiled once. The only importer of jsonschema, whose keywords judge every value.

For each value jsonschema looks up anew which keywords apply, where references lead, and makes a
validator for the schema of that value. That takes most of its time, and the answers never change.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError

_Found = Iterable[ValidationError] | None
_Keyword = Callable[["Compiled", Any, Any, Any], _Found]
_Step = tuple[str, Any, _Keyword]
_IGNORED: Final = ("format",)
"""What jsonschema only looks at if it is given a format checker."""


class Compiled:
    """A schema, in the place of jsonschema's validator; its keywords call what is public here.

    ``load`` returns the schema with a name; a ``$ref`` to another schema ends with ``:<name>``.
    """

    def __init__(self, name: str, load: Callable[[str], Mapping[str, Any]]) -> None:
        self._load = load
        self._root = load(name)
        self._targets: dict[int, Any] = {}
        self._steps: dict[int, tuple[_Step, ...]] = {}
        self._documents: set[str] = set()
        self._resolve(name)

    def iter_errors(self, instance: Any) -> Iterator[ValidationError]:
        """Yield what is wrong with a value."""
        return self.descend(instance, self._root)

    def is_type(self, instance: Any, kind: str) -> bool:
        """Tell whether a value has a type of JSON Schema."""
        usual = type(instance) is _PYTHON.get(kind)
        return usual or Draft202012Validator.TYPE_CHECKER.is_type(instance, kind)

    def evolve(self, schema: Any) -> Part:
        """Return the validator of a part of the schema."""
        return Part(self, schema)

    def descend(
        self, instance: Any, schema: Any, path: Any = None, schema_path: Any = None
    ) -> Iterator[ValidationError]:
        """Yield what is wrong with a value that is to obey a part of the schema."""
        if schema is False:  # as in jsonschema, the error has no path
            yield _nothing_allowed(instance)
            return
        for keyword, value, judge in self._steps_of(schema):
            errors: Iterable[Any] = judge(self, value, instance, schema) or ()
            for error in errors:
                error._set(  # noqa: SLF001 - as jsonschema's own `descend` does
                    validator=keyword,
                    validator_value=value,
                    instance=instance,
                    schema=schema,
                    type_checker=Draft202012Validator.TYPE_CHECKER,
                )
                if keyword != "$ref":
                    error.schema_path.appendleft(keyword)
                if path is not None:
                    error.path.appendleft(path)
                if schema_path is not None:
                    error.schema_path.appendleft(schema_path)
                yield error

    def target(self, schema: Any) -> Any:
        """Return the schema to which the ``$ref`` of a schema leads."""
        return self._targets[id(schema)]

    def _steps_of(self, schema: Any) -> tuple[_Step, ...]:
        known = self._steps.get(id(schema))
        if known is None:
            known = self._steps[id(schema)] = tuple(_steps(schema))
        return known

    def _resolve(self, name: str) -> None:
        """Learn where every reference in a schema leads. It is always a file of ours."""
        if name in self._documents:
            return
        self._documents.add(name)
        for node in _maps(self._load(name)):
            if isinstance(ref := node.get("$ref"), str):
                uri, _, fragment = ref.partition("#")
                document = uri.rpartition(":")[2] or name
                self._resolve(document)
                target: Any = self._load(document)
                for part in fragment.split("/")[1:]:
                    target = target[part]
                self._targets[id(node)] = target


class Part:
    """A part of a schema, where jsonschema's keywords take it for a validator."""

    def __init__(self, whole: Compiled, schema: Any) -> None:
        self._whole = whole
        self._schema = schema

    def iter_errors(self, instance: Any) -> Iterator[ValidationError]:
        """Yield what is wrong with a value."""
        return self._whole.descend(instance, self._schema)

    def is_valid(self, instance: Any) -> bool:
        """Tell whether a value obeys the part."""
        return next(self.iter_errors(instance), None) is None


def _maps(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        yield node
    for inner in node.values() if isinstance(node, Mapping) else node:
        if isinstance(inner, Mapping | list):
            yield from _maps(inner)


def _steps(schema: Any) -> Iterator[_Step]:
    if isinstance(schema, Mapping):
        known: Mapping[str, Any] = {**Draft202012Validator.VALIDATORS, **_OURS}
        for keyword, value in schema.items():
            if keyword in known and keyword not in _IGNORED:
                yield keyword, value, known[keyword]


def _nothing_allowed(instance: Any) -> ValidationError:
    nothing: Any = None
    return ValidationError("", validator=nothing, instance=instance, schema=False)


def _ref(compiled: Compiled, _: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    return compiled.descend(instance, compiled.target(schema))


@functools.cache
def _expression(pattern: str) -> re.Pattern[str]:
    """Return a pattern of JSON Schema: in Python, ``$`` also matches before a final newline."""
    return re.compile(re.sub(r"(?<!\\)\$$", r"\\Z", pattern))


def _pattern(_: Compiled, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _expression(pattern).search(instance):
        yield ValidationError("pattern")


def _type(compiled: Compiled, kind: Any, instance: Any, schema: Any) -> _Found:
    """Leave out the call in the usual case, a type that Python has too."""
    usual = isinstance(kind, str) and type(instance) is _PYTHON.get(kind)
    return None if usual else _judge("type", compiled, kind, instance, schema)


def _additional(compiled: Compiled, extra: Any, instance: Any, schema: Any) -> _Found:
    """Leave out the call in the usual case, a map that has no additional property."""
    usual = type(instance) is dict and instance.keys() <= schema.get("properties", {}).keys()
    return None if usual else _judge("additionalProperties", compiled, extra, instance, schema)


def _judge(keyword: str, compiled: Compiled, value: Any, instance: Any, schema: Any) -> _Found:
    found: _Found = Draft202012Validator.VALIDATORS[keyword](compiled, value, instance, schema)
    return found


_PYTHON: Final[Mapping[str, type]] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "integer": int,
}
_OURS: Final[Mapping[str, Any]] = {
    "$ref": _ref,
    "additionalProperties": _additional,
    "pattern": _pattern,
    "type": _type,
}
