"""The values of JSON: numbers within bounds, and maps that do not contradict themselves. Pure."""

from __future__ import annotations

import json
import math
from typing import Any, Final

from ..bounds import MAX_INTEGER, MAX_QUOTED
from ..errors import Garbled


def number(text: str) -> float:
    """Return a number; NaN and infinity are not JSON."""
    if math.isfinite(found := float(text)):
        return found
    raise ValueError(f"{text} is not JSON")


def integer(text: str) -> int | float | str:
    """Return a whole number; for one that is too long, a float, or a text if no float holds it."""
    if len(text) <= MAX_INTEGER:
        return int(text)
    found = float(text)
    return found if math.isfinite(found) else text[:MAX_QUOTED]


def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a map of JSON.

    Raises:
        Garbled: a name has two different values. RFC 8259, section 4, does not say which of them
            counts, and an answer with a list of models and an empty list proves nothing.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        for name, value in pairs:
            if json.dumps(value) != json.dumps(found[name]):
                raise contradiction(name)
    return found


def contradiction(name: str) -> Garbled:
    """Return the error about a name with two values."""
    return Garbled(
        f"the answer contradicts itself, it gives {name[:MAX_QUOTED]!r} two values; see what is at"
        " that address"
    )


DECODER: Final = json.JSONDecoder(
    object_pairs_hook=unambiguous, parse_constant=number, parse_float=number, parse_int=integer
)
