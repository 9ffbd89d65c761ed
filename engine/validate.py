"""Documents against their JSON Schemas, with messages for people.

A message never repeats a value under a key that may be that of a secret, nor a long value.
"""

from __future__ import annotations

import difflib
import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from .bounds import MAX_PROBLEMS, MAX_QUOTED
from .compiled import Compiled
from .errors import InvalidDocument, Problem
from .text import shortened

if TYPE_CHECKING:
    from jsonschema import ValidationError

_SECRET_NAME: Final = re.compile(
    r"key|token|passw|secret|auth|credential|cookie|private|signature|webhook|\$secret",
    re.IGNORECASE,
)
_SECRET_VALUE: Final = re.compile(r"\bsk-|\bbearer\b|-----BEGIN", re.IGNORECASE)
_PLAIN_KEY: Final = re.compile(r"[\w$-]+")
_KINDS: Final = {
    "object": "a map",
    "array": "a list",
    "string": "a string",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "a boolean",
    "null": "null",
}
_LIMITS: Final = {
    "minimum": "a number of at least {}",
    "exclusiveMinimum": "a number above {}",
    "maximum": "a number of at most {}",
    "exclusiveMaximum": "a number below {}",
    "minLength": "{} or more characters",
    "maxLength": "{} or fewer characters",
    "minItems": "{} or more items",
    "maxItems": "{} or fewer items",
    "uniqueItems": "no item twice",
    "minProperties": "{} or more keys",
    "maxProperties": "{} or fewer keys",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong at a path (keys and indexes from the root) of a document."""

    path: tuple[str | int, ...]
    what: str


def validate(document: Any, schema_name: str) -> None:
    """Return if ``document`` obeys the schema.

    Raises:
        InvalidDocument: it does not; holds every problem.
    """
    found = problems(document, schema_name)
    if found:
        raise InvalidDocument(schema_name, found)


def problems(document: Any, schema_name: str) -> list[Problem]:
    """Return everything that is wrong, sorted; ``where`` is like ``backends[2].url``."""
    return sorted(
        Problem(path_text(violation.path), violation.what)
        for violation in violations(document, schema_name)
    )


def violations(document: Any, schema_name: str) -> list[Violation]:
    """Return what is wrong, each thing once, in the order of the schema, up to the bound."""
    try:
        errors = list(islice(_validator(schema_name).iter_errors(document), MAX_PROBLEMS + 1))
    except RecursionError:
        return [Violation((), "nested too deeply")]
    return list(dict.fromkeys(found for error in errors for found in _explained(error)))


@functools.cache
def schema(name: str) -> Mapping[str, Any]:
    """Return the schema ``schemas/<name>.schema.json``; the same value each time."""
    text = resources.files("schemas").joinpath(f"{name}.schema.json").read_text("utf-8")
    loaded: Mapping[str, Any] = json.loads(text)
    return loaded


def path_text(path: Iterable[str | int]) -> str:
    """Return a path as people write it: ``backends[2].overrides[0].regex``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _SECRET_VALUE.search(step):
            text += "[(not shown)]"
        elif _PLAIN_KEY.fullmatch(step) and len(step) <= MAX_QUOTED:
            text += f".{step}" if text else step
        else:
            text += f"[{_cut(step)}]"
    return text


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the choice that ``word`` was probably meant to be, or None."""
    by_lower = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(word[:MAX_QUOTED].lower(), by_lower, n=1)
    return by_lower[close[0]] if close else None


@functools.cache
def _validator(name: str) -> Compiled:
    return Compiled(name, schema)


def _explained(error: Any) -> Iterator[Violation]:
    path = tuple(error.absolute_path)
    if error.validator in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_keys(error, path)
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                yield Violation((*path, key), "missing; it is required")
    elif error.validator in ("anyOf", "oneOf") and error.context:
        yield from _alternatives(error, path)
    else:
        yield Violation(path, _complaint(error, path))


def _unknown_keys(error: Any, path: tuple[str | int, ...]) -> Iterator[Violation]:
    known = list(error.schema.get("properties", ()))
    patterns = list(error.schema.get("patternProperties", ()))
    for key in error.instance:
        if key in known or any(re.search(pattern, key) for pattern in patterns):
            continue
        meant = nearest(key, known)
        advice = f"did you mean `{meant}`?" if meant else f"valid keys: {', '.join(known)}"
        yield Violation((*path, key), f"unknown; {advice}")


def _alternatives(error: Any, path: tuple[str | int, ...]) -> Iterator[Violation]:
    """Explain the closest alternative: of those whose type fits, the one with the fewest errors."""
    branches: dict[int, list[ValidationError]] = {}
    for nested in error.context or ():
        branches.setdefault(int(nested.schema_path[0]), []).append(nested)
    fitting = [
        errors
        for errors in branches.values()
        if not any(inner.validator == "type" and not inner.path for inner in errors)
    ]
    if fitting:
        for nested in min(fitting, key=len):
            yield from _explained(nested)
        return
    wanted = [
        _kinds(inner.validator_value)
        for errors in branches.values()
        for inner in errors
        if not inner.path
    ]
    expected = " or ".join(dict.fromkeys(wanted))
    yield Violation(path, f"expected {expected}, got {_shown(error.instance, path)}")


def _complaint(error: Any, path: tuple[str | int, ...]) -> str:
    if error.validator is None:
        return "has no place here"
    got, limit = _shown(error.instance, path), error.validator_value
    match error.validator:
        case "enum":
            return _not_a_choice(error.instance, limit, got)
        case "type":
            expected = _kinds(limit)
            # A text in place of a map of parameters may hold the secrets of such a map.
            if isinstance(error.instance, str) and limit in ("object", "array"):
                got = "a string"
        case "const":
            expected = _literal(limit)
        case "pattern":
            expected = error.schema.get("title", f"text that matches `{limit}`")
        case rule if rule in _LIMITS:
            expected = _LIMITS[rule].format(limit)
        case rule:
            return f"breaks the rule `{rule}` of its schema"
    return f"expected {expected}, got {got}"


def _not_a_choice(instance: Any, choices: Sequence[Any], got: str) -> str:
    listed = ", ".join(_literal(choice) for choice in choices)
    words = [choice for choice in choices if isinstance(choice, str)]
    meant = nearest(instance, words) if isinstance(instance, str) else None
    advice = f"; did you mean `{meant}`?" if meant else ""
    return f"expected one of {listed}, got {got}{advice}"


def _kinds(names: Any) -> str:
    names = [names] if isinstance(names, str) else names
    return " or ".join(_KINDS.get(name, str(name)) for name in names)


def _literal(value: Any) -> str:
    return repr(value) if isinstance(value, str) else json.dumps(value)


def _shown(value: Any, path: Iterable[str | int]) -> str:
    """Return what a value is, and the value itself where it is short and no secret."""
    if isinstance(value, str):
        names = [value, *(step for step in path if isinstance(step, str))]
        secret = _SECRET_VALUE.search(value) or any(map(_SECRET_NAME.search, names))
        return "a string (not shown)" if secret else f"the string {_cut(value)}"
    if isinstance(value, bool | int | float):
        kind = "boolean" if isinstance(value, bool) else "number"
        secret = any(_SECRET_NAME.search(str(step)) for step in path)
        return f"a {kind} (not shown)" if secret else f"the {kind} {json.dumps(value)}"
    if value is None:
        return "null"
    return "a map" if isinstance(value, Mapping) else "a list"


def _cut(text: str) -> str:
    return repr(shortened(text, MAX_QUOTED))
