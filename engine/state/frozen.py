"""JSON values that cannot be changed, and their canonical text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any, Final

_SCALARS: Final = frozenset({str, int, bool, type(None)})
"""Types that need no look at what a value is: nearly all values have one of them."""
Frozen = Mapping[str, Any]
"""A JSON object made immutable by :func:`freeze`: mappings are read-only, lists are tuples."""
EMPTY: Final[Frozen] = MappingProxyType({})


def freeze(value: Any) -> Any:
    """Return ``value`` (JSON types, and Secrets) with its maps read-only and its lists tuples.

    A float without a fraction becomes an int, because LiteLLM lists 30 as 30.0; booleans stay
    booleans.
    """
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Mapping):
        frozen = {str(key): freeze(item) for key, item in value.items()}
        return MappingProxyType(frozen) if frozen else EMPTY
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def thaw(value: Any) -> Any:
    """Return a frozen value as plain dicts and lists, ready for ``json.dumps``."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [thaw(item) for item in value]
    return value


def in_order(value: Any) -> Any:
    """Return the same with the members of each map by their names, in whatever order they came."""
    if isinstance(value, Mapping):
        return {key: in_order(value[key]) for key in sorted(value)}
    if isinstance(value, tuple | list):
        return [in_order(item) for item in value]
    return value


def identical(left: Any, right: Any) -> bool:
    """Tell whether two frozen values are the same, types included; NaN is not the same as NaN."""
    if type(left) is not type(right):
        return False
    if isinstance(left, Mapping):
        return left.keys() == right.keys() and all(
            identical(value, right[key]) for key, value in left.items()
        )
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(identical, left, right))
    return bool(left == right)


def interchangeable(left: Any, right: Any) -> bool:
    """Tell whether no function can tell two frozen values apart: types and order are the same.

    Values may hold dataclasses, of which fields that :func:`dataclasses.field` leaves out of
    ``repr`` follow from the others.
    """
    if type(left) is not type(right):
        return False
    if is_dataclass(left):
        names = [field.name for field in fields(left) if field.repr]
        return all(interchangeable(getattr(left, name), getattr(right, name)) for name in names)
    if isinstance(left, Mapping):
        return interchangeable(tuple(left.items()), tuple(right.items()))
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(interchangeable, left, right))
    return bool(left == right)


def canonical_json(value: Any) -> str:
    """Return the canonical JSON text of a value: sorted keys, no spaces, no NaN."""
    return json.dumps(
        thaw(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
