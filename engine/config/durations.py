"""Durations as text. Pure."""

from __future__ import annotations

import re
from typing import Final

_DURATION: Final = re.compile(r"\d+(?:\.\d+)?|(?:\d+(?:\.\d+)?[smh])+", re.ASCII)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)([smh]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}


def seconds(text: str) -> float:
    """Return the seconds of a duration: a number of them, or a text such as ``90s`` or ``1h30m``.

    Raises:
        ValueError: the text is not one.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError("expected seconds, or a duration such as 90s, 5m or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in _PART.findall(text))
