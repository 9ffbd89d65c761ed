"""Limits on the fields of a row, so that LiteLLM can store it and the engine can read it back.

A row in LiteLLM's listing that exceeds a bound of the reader would make every later cycle fail, for
all backends. PostgreSQL, LiteLLM's database, cannot store NUL in a text. Pure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..bounds import MAX_DECLARED, MAX_FIELDS, MAX_ID
from ..state.frozen import Frozen
from ..state.pointer import leaves, pointer
from ..state.secret import Secret
from ..validate import Violation
from . import parsers
from .yaml.tree import Steps

_SENT: Final = (
    "generic_params",
    "litellm_params_defaults",
    "model_format",
    "model_info_defaults",
    "models",
)
"""The keys of a backend that go into its rows, beside ``capabilities`` of ``overrides`` and
``replace`` of ``regex_rename``."""
_REFERENCE: Final = "0" * 32


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a row: its path in the configuration, its size, and how many secrets it has.

    ``size`` is in characters of JSON, including the field's part of the mark.
    """

    path: Steps
    size: int
    secrets: int = 0


def row_problems(backend: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    """Yield why LiteLLM could not store a row of a backend, or the engine not read it back.

    ``backend`` has the types of its schema, but any key may be missing; ``path`` leads to it.
    """
    models, overrides = (*path, "models"), (*path, "overrides")
    for key in _SENT:
        yield from _with_nul(backend.get(key), (*path, key))
    for index, override in enumerate(backend.get("overrides", [])):
        place = (*overrides, index, "capabilities")
        yield from _with_nul(override.get("capabilities"), place)
    for index, rule in enumerate(backend.get("regex_rename", [])):
        yield from _with_nul(rule.get("replace"), (*path, "regex_rename", index, "replace"))
    for index, model in enumerate(backend.get("models", [])):
        found = model if isinstance(model, str) else model.get("id", "")
        if len(found) > MAX_ID:
            what = f"too long: an id has at most {MAX_ID} characters; leave this model out"
            yield Violation((*models, index), what)
    yield from _too_many(list(_largest(backend, path, len)))
    given = [(key, backend[key]) for key in ("url", "model_format") if key in backend]
    built_in = [_Field((*path, key), len(json.dumps(text))) for key, text in given]
    yield from _too_large([*built_in, *_largest(backend, path, _total)])


def _with_nul(value: Any, path: Steps) -> Iterator[Violation]:
    """Yield the paths of texts, and of keys, that hold NUL."""
    if isinstance(value, str) and "\0" in value:
        yield Violation(path, "holds NUL (\\0), which LiteLLM's database cannot store; remove it")
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _with_nul(key, (*path, key))
            yield from _with_nul(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _with_nul(item, (*path, index))


def _largest(
    backend: Mapping[str, Any], path: Steps, measure: Callable[[list[_Field]], int]
) -> Iterator[_Field]:
    """Yield the fields of the largest possible row, as ``measure`` compares them.

    To the defaults, at most one entry of ``models`` and one override add their fields.
    """
    params: dict[str, _Field] = {}
    for key in ("generic_params", "litellm_params_defaults"):  # the second takes precedence
        found = _params(backend.get(key, {}), (*path, key))
        params |= {str(field.path[-1]): field for field in found}
    yield from params.values()
    yield from _info(backend.get("model_info_defaults", {}), (*path, "model_info_defaults"))
    variants = [
        [
            _info({} if isinstance(model, str) else model, (*path, "models", index))
            for index, model in enumerate(backend.get("models", []))
        ],
        [
            _info(override.get("capabilities", {}), (*path, "overrides", index, "capabilities"))
            for index, override in enumerate(backend.get("overrides", []))
        ],
    ]
    for group in variants:
        yield from max(group, key=measure, default=[])


def _params(given: Mapping[str, Any], path: Steps) -> Iterator[_Field]:
    for name, value in given.items():
        known = parsers.litellm_params({}, {name: value})
        yield _measured("litellm_params", {name: value}, known, path)


def _info(given: Mapping[str, Any], path: Steps) -> list[_Field]:
    return [
        _measured("model_info", {name: value}, parsers.capabilities({name: value}), path)
        for name, value in given.items()
    ]


def _measured(part: str, given: Mapping[str, Any], known: Frozen, path: Steps) -> _Field:
    """Return one field as it is ``given``, and ``known`` to have its secrets at its paths."""
    ((name, _),) = given.items()
    secret = [way for way, leaf in leaves(known) if isinstance(leaf, Secret)]
    opaque = {pointer((part, *way)): _REFERENCE for way in secret}
    size = len(json.dumps([given, pointer((part, name)), opaque]))
    return _Field((*path, name), size, len(opaque))


def _total(fields: Iterable[_Field]) -> int:
    return sum(field.size for field in fields)


def _too_many(fields: list[_Field]) -> Iterator[Violation]:
    """Yield a violation if there are more fields or secrets than a row's mark may have."""
    if len(fields) > MAX_FIELDS:
        ((where, _),) = Counter(field.path[:-1] for field in fields).most_common(1)
        yield Violation(where, _excess(len(fields), "fields") + ", or put them into one map")
    secrets = sum(field.secrets for field in fields)
    if secrets > MAX_FIELDS:
        where = max(fields, key=lambda field: field.secrets).path
        yield Violation(where, _excess(secrets, "secrets"))


def _excess(count: int, what: str) -> str:
    return f"too many: a model would have {count} {what}, at most {MAX_FIELDS}; leave some out"


def _too_large(fields: list[_Field]) -> Iterator[Violation]:
    size = _total(fields)
    if size > MAX_DECLARED:
        where = max(fields, key=lambda field: field.size).path
        what = f"too large: a model would be registered with {size} characters of JSON"
        yield Violation(where, f"{what}, at most {MAX_DECLARED}; shorten it")
