"""Environment variables in a configuration: ``url: http://${OLLAMA_HOST:-localhost}:11434``. Pure.

They are put into values, not into the text of the file, so that no variable can add a line to it.
Only single settings may have them. What is in a list or in a map of a backend stays as it is: it
may hold ``${1}`` for a group of an expression, a template, or a secret, which belongs into a file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from ...bounds import MAX_SETTING
from ...validate import Violation
from ..key_files import LITELLM_KEY
from ..secret_fields import PARAMS
from ..yaml.document import Document
from ..yaml.scalars import resolve
from ..yaml.tree import Steps

_SECTIONS: Final = ("litellm", "limits")
_VERBATIM: Final = frozenset({"filter_regex", "exclude_regex", "model_format", "name_format"})
"""Settings in which a dollar and braces have another meaning."""
_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE: Final = re.compile(
    rf"\$\$\{{|\$\{{(?:(?P<name>{_NAME})(?::-(?P<default>[^}}]*))?\}}|(?P<wrong>(?!\d+\}})))"
)
_NAMED: Final = re.compile(rf"\$\{{({_NAME})")
_WHOLE: Final = re.compile(rf"\$\{{{_NAME}(:-[^}}]*)?\}}")
Environment = tuple[tuple[str, str], ...]
"""Variables with their values: those that a configuration names."""


def named_in(text: str, environment: Mapping[str, str]) -> Environment:
    """Return the variables that the text of a configuration names, as far as they are set."""
    names = sorted(set(_NAMED.findall(text))) if "${" in text else ()
    return tuple((name, environment[name]) for name in names if name in environment)


def with_variables(
    document: Document, schema: Mapping[str, Any], environment: Environment
) -> tuple[Document, tuple[Violation, ...]]:
    """Return a document with its variables replaced, and what is wrong with them.

    A setting that is a number, or true or false, is read from the text like a plain scalar.
    """
    known = dict(environment)
    raw = dict(document.raw)
    wrong: list[Violation] = []
    changed: dict[Steps, object] = {}
    for path, field in _settings(document.value, schema):
        given = raw.get(path, "")
        if "${" not in given:
            continue
        try:
            raw[path] = text = _replaced(given, known)
            changed[path] = _typed(text, field)
        except ValueError as error:
            wrong.append(Violation(path, str(error)))
    if not (changed or wrong):
        return document, ()
    return replace(document, value=_with(document.value, changed), raw=raw), tuple(wrong)


def escaped(text: str) -> str:
    """Return what stands for a text in a setting that may have variables."""
    return text.replace("${", "$${")


def escape_settings(document: dict[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document whose settings are read as they are, whatever they hold."""
    found = {
        path: escaped(value)
        for path, _ in _settings(document, schema)
        if isinstance(value := _at(document, path), str)
    }
    whole: dict[str, Any] = _with(document, found)
    return whole


def find_unreplaced(config: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield the parameters that are meant to be a variable, but are sent as they are."""
    what = (
        "a variable is not replaced here, where a secret may be; write {secret: FILE} for a key"
        " file, or os.environ/NAME for a variable of LiteLLM's own environment"
    )
    for index, backend in enumerate(config["backends"]):
        for key in PARAMS:
            for name, value in backend[key].items():
                if isinstance(value, str) and _WHOLE.fullmatch(value):
                    yield Violation(("backends", index, key, name), what)


def _settings(document: Any, schema: Mapping[str, Any]) -> Iterator[tuple[Steps, Any]]:
    """Yield the path and the schema of each setting that is present and may have variables."""
    yield from _members(document, schema, ())
    for section in _SECTIONS:
        yield from _members(_at(document, (section,)), schema["properties"][section], (section,))
    backends = _at(document, ("backends",))
    for index, backend in enumerate(backends if isinstance(backends, list) else ()):
        yield from _members(backend, schema["$defs"]["backend"], ("backends", index))


def _members(given: Any, schema: Mapping[str, Any], path: Steps) -> Iterator[tuple[Steps, Any]]:
    if not isinstance(given, dict):
        return
    for name, field in schema["properties"].items():
        if name in given and name not in _VERBATIM and not isinstance(given[name], dict | list):
            yield (*path, name), field


def _replaced(text: str, environment: Mapping[str, str]) -> str:
    """Return a text with its variables replaced; what they hold is not looked at again."""

    def value(found: re.Match[str]) -> str:
        name = found["name"]
        if found[0] == "$${":
            return "${"
        if found["wrong"] is not None:
            what = "a ${ that begins no ${NAME} and no ${NAME:-default}"
            raise ValueError(f"{what}; correct it, or write $${{ for the characters themselves")
        if name == LITELLM_KEY:
            raise ValueError(f"${name} holds the key of LiteLLM, which is in no setting; remove it")
        if held := environment.get(name, ""):
            return held
        if found["default"] is not None:
            return found["default"]
        if name in environment:
            return ""
        remedy = f"set it, or write ${{{name}:-default}}"
        raise ValueError(f"the environment variable {name} is not set; {remedy}")

    whole = "".join(_pieces(text, value))
    if not whole.isprintable():
        raise ValueError("a variable in it holds a character that is not printable; correct it")
    return whole


def _pieces(text: str, value: Any) -> Iterator[str]:
    """Yield the text in pieces; together they are no longer than a setting may be."""
    end = length = 0
    for found in _REFERENCE.finditer(text):
        for piece in (text[end : found.start()], value(found)):
            length += len(piece)
            if length > MAX_SETTING:
                what = f"longer than {MAX_SETTING} characters with its variables"
                raise ValueError(f"{what}; shorten them")
            yield piece
        end = found.end()
    yield text[end:]


def _typed(text: str, field: Mapping[str, Any]) -> object:
    """Return a text as a setting has it, which may be no text at all."""
    if "$ref" in field:
        return text
    types = field.get("type", [])
    if "string" in types or text in field.get("enum", ()):
        return text
    value = resolve(text) if text else text
    return text if value is None else value


def _with(value: Any, changed: Mapping[Steps, object], path: Steps = ()) -> Any:
    if path in changed:
        return changed[path]
    if isinstance(value, dict):
        return {key: _with(item, changed, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_with(item, changed, (*path, index)) for index, item in enumerate(value)]
    return value


def _at(value: Any, path: Steps) -> Any:
    for step in path:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int):
            value = value[step]
        else:
            return None
    return value
